/** Lines shorter than this are words of the language rather than secrets, and replacing them would garble the message. */
const shortest = 6;

/** A command's words without what it was fed: tools like to quote the line that they do not understand. */
export function redact(said: string, inputs: readonly string[]): string {
  const lines = inputs.flatMap((input) => [input, ...input.split("\n")]).map((line) => line.trim());
  const parts = lines.flatMap((line) => [line, ...line.split(/[\s:=,]+/)]).filter((part) => part.length >= shortest);
  // Longest first, or a part would tear the whole apart.
  const unique = [...new Set(parts)].sort((a, b) => b.length - a.length);
  return unique.reduce((text, part) => text.replaceAll(part, "[secret]"), said);
}
