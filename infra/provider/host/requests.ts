/** One command to run. */
export interface Exec {
  /** Looks queue for a free place, steps run at once, survivors outlive the connection. */
  readonly mode: "look" | "step" | "survive";
  readonly argv: readonly string[];
  readonly stdin?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Seconds. */
  readonly deadline: number;
  /** Seconds since the host's boot after which it must not run any more. */
  readonly until?: number | undefined;
}

/** How a command ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Killed at its deadline. */
  readonly late: boolean;
}

/** Where a file goes. */
export interface Target {
  readonly path: string;
  readonly owner: string;
  readonly group: string;
  readonly mode: string;
  readonly validate?: readonly string[] | undefined;
  readonly until?: number | undefined;
}

/** The host said that something cannot be done. */
export class Refusal extends Error {
  /** The exit code of a validating command that said no. */
  readonly code: number | undefined;
  readonly stderr: string;
  /** The system's name for the error, where writing a file met one: `ENOSPC`; errno(3). */
  readonly errno: string | undefined;
  constructor(text: string, { code, stderr = "", errno }: { code?: number; stderr?: string; errno?: string } = {}) {
    super(text);
    this.code = code;
    this.stderr = stderr;
    this.errno = errno;
  }
}
