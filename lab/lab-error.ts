/** A failure of the lab, told in three lines: what failed; where and why; what to do, when that is known. */
export class LabError extends Error {
  override readonly name = "LabError";

  constructor(what: string, why?: string, remedy?: string, cause?: unknown) {
    super([what, ...[why, remedy].filter((line) => line !== undefined).map((line) => `  ${line}`)].join("\n"), {
      cause,
    });
  }
}
