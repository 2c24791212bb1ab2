import type { Guard, Step } from "../step.ts";

/** What a finished command left behind. */
export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a look is made. */
export interface LookOptions {
  /** Fed to standard input. */
  readonly stdin?: string;
  /** Seconds until it is killed. @default 30 */
  readonly deadline?: number;
  /** Exit codes that are answers; any other throws `StepFailed`. @default [0] */
  readonly exits?: readonly number[];
}

/** What stands at one path of the host. */
export interface PathSeen {
  readonly path: string;
  readonly type: "file" | "directory" | "link" | "other";
  /** Account name, or the number where no account has it. */
  readonly owner: string;
  readonly group: string;
  /** Four octal digits. */
  readonly mode: string;
  /** Bytes. */
  readonly size: number;
  /** Microseconds since 1970, UTC. */
  readonly mtime: number;
  /** Hexadecimal SHA-256, for files, when asked for. */
  readonly sha256?: string;
  /** The bytes, for files no longer than asked for. */
  readonly content?: Uint8Array;
  /** Where a symbolic link points. */
  readonly target?: string;
}

/** What to read at a path. */
export interface InspectOptions {
  /** Read SHA-256 of files. @default false */
  readonly hash?: boolean;
  /** Return the content of files up to this many bytes. @default 0 */
  readonly content?: number;
  /** Everything below a directory too, without following links. @default false */
  readonly recursive?: boolean;
}

/**
 * One server. Looks never change it, may be repeated after a lost connection, and those made together travel together.
 * Steps run one at a time and are never repeated blindly. Every method rejects with a `Failure` that names the host.
 */
export interface Host {
  /** How messages call it: the name it was configured with. */
  readonly name: string;
  /** DNS name or IP address that leads to it from the machine where the run is; absent where SSH goes another way, by a jump host or a tunnel. */
  readonly address?: string | undefined;
  /** The account that the connection logs in as. */
  readonly user: string;
  /** Runs a command that only looks. The words reach the program as they are; no shell. */
  look(argv: readonly string[], options?: LookOptions): Promise<Output>;
  /** What stands at a path; an empty list where nothing does. The path itself comes first, the rest sorted by path. */
  inspect(path: string, options?: InspectOptions): Promise<readonly PathSeen[]>;
  /** Carries out steps in order, no others in between; under a guard they are undone unless confirmed over a new connection. */
  perform(steps: readonly Step[], guard?: Guard): Promise<void>;
}

/** Tells the user something while work goes on. */
export type Say = (severity: "info" | "warning", message: string) => void;
