/** What stops a script before it starts: what failed; where and why; what to do. */
export class LaunchError extends Error {
  /**
   * @param {string} what
   * @param {string} why
   * @param {string} remedy
   * @param {number} exitCode of the whole process
   */
  constructor(what, why, remedy, exitCode = 1) {
    super(`${what}\n  ${why}\n  ${remedy}`);
    this.name = "LaunchError";
    this.exitCode = exitCode;
  }
}
