/** A failure of a script, told in three lines: what failed; where and why; what to do, when that is known. */
export class ScriptError extends Error {
  override readonly name = "ScriptError";

  constructor(what: string, why?: string, remedy?: string, cause?: unknown) {
    super([what, ...[why, remedy].filter((line) => line !== undefined).map((line) => `  ${line}`)].join("\n"), {
      cause,
    });
  }
}

/** A script was called with arguments that it does not take. The message is one sentence; the usage follows it. */
export class UsageError extends Error {}
