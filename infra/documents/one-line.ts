/** A text on one line: a comment, or a heading, may hold a customer's name, which is anybody's text. */
export function oneLine(text: string): string {
  return text.replace(/\s*[\r\n\u2028\u2029\u0085\v\f]+\s*/g, " ");
}
