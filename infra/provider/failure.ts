/** What the user reads when something fails: three lines, the third only when a remedy is known (style.md, rule 9). */
export interface Explanation {
  /** What failed, and on which host: `could not write /etc/motd on dev.example.dk`. */
  what: string;
  /** Where and why: the tool's own words where it had some. */
  why: string;
  /** What to do, when that is known. */
  remedy?: string;
}

/** The base of every error that a user may read. Recognised by class, never by its text. Never holds a secret. */
export class Failure extends Error {
  override readonly name: string = "Failure";
  readonly explanation: Explanation;

  constructor(explanation: Explanation, options?: { cause?: unknown }) {
    super(lines(explanation), options);
    this.explanation = explanation;
  }
}

function lines({ what, why, remedy }: Explanation): string {
  const indented = (text: string) => text.trimEnd().replaceAll("\n", "\n  ");
  return [what, indented(why), ...(remedy === undefined ? [] : [indented(remedy)])].join("\n  ");
}

/** One line for anything that was thrown. */
export function reason(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
