/** The only place where words become text for a shell. Everything else passes arrays of words. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A command line for sh(1): each word quoted where it must be. */
export function commandLine(argv: readonly string[]): string {
  return argv.map(quoted).join(" ");
}
