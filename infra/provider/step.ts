import type { Host, Say } from "./host/host.ts";

/**
 * What a plan is made of: plain data but for what an act does, so that a test is one equality. Only `host/` carries steps out.
 *
 * A step's content never stands in a command line; `title` and `argv` must hold no secret.
 */
export type Step = RunStep | WriteStep | ActStep;

/** A file on the machine where Pulumi runs; it is streamed, never held in memory. What is known by its hash alone has no path. */
export class LocalFile {
  readonly path: string;
  /** Hexadecimal SHA-256 of the file, as the engine computed it. */
  readonly sha256: string;

  constructor(path: string, sha256: string) {
    this.path = path;
    this.sha256 = sha256;
  }
}

/** Text as UTF-8, raw bytes, or a local file to stream. */
export type Content = string | Uint8Array | LocalFile;

interface StepBase {
  /** What the step does, for progress and errors: `install nginx`. Present tense, no secret. */
  readonly title: string;
  /** The property of the resource that this step brings into agreement; shown in the diff when no input differs. */
  readonly property?: string;
  /**
   * Keep what the command, or the one that validates, says out of errors: it may quote a secret.
   * @default whether an input of the resource is a secret
   */
  readonly secret?: boolean;
}

/** Runs one command. */
export interface RunStep extends StepBase {
  readonly do: "run";
  /** The command as words; no shell sees them. */
  readonly argv: readonly string[];
  /** Fed to the command's standard input. Secrets go here, never into `argv`. */
  readonly stdin?: string;
  /** Added to a small fixed environment (PATH, LC_ALL=C, HOME). */
  readonly env?: Readonly<Record<string, string>>;
  /** Seconds after which the command and its children are killed. @default 60 */
  readonly deadline?: number;
  /** Exit codes that mean success. @default [0] */
  readonly exits?: readonly number[];
  /** Let the command finish on the host even if we are cancelled or cut off: for tools that must not be killed half-way, such as dpkg. */
  readonly survives?: boolean;
  /** A look that prints what the step waits for, if anything; asked and told while the step goes on and on. */
  readonly waitsFor?: readonly string[];
  /** What to do about an exit code, where that is known. */
  readonly remedies?: Readonly<Record<number, string>>;
}

/**
 * Writes one file atomically: a temporary file beside it, owner and mode, `validate`, fsync, rename, fsync of the
 * directory. A symbolic link at the path is replaced, not followed.
 */
export interface WriteStep extends StepBase {
  readonly do: "write";
  readonly path: string;
  readonly content: Content;
  readonly owner: string;
  readonly group: string;
  /** Four octal digits: `0644`. */
  readonly mode: string;
  /** A command that must succeed before the file takes effect; the word `{}` becomes the temporary file's path. */
  readonly validate?: readonly string[];
}

/**
 * Does something from the machine where the run is, in its place among the host's steps: sets a record at a DNS provider, has a
 * certificate issued. Not under a guard, for no host can undo it.
 */
export interface ActStep extends StepBase {
  readonly do: "act";
  /**
   * May be done again: a run that was killed never knows how far it came. Rejects with a `Failure` without secrets. Told to stop by
   * the signal, it ends soon, having cleaned what it began.
   */
  readonly act: (context: ActContext) => Promise<void>;
}

/** What an act has. */
export interface ActContext {
  /** The plan's host; what the act has it perform comes at once, and no other plan's steps in between. */
  readonly host: Host;
  readonly say: Say;
  readonly signal: AbortSignal;
}

/** A step that runs a command; the shape most plans consist of. */
export function run(
  title: string,
  argv: readonly string[],
  more: Omit<RunStep, "do" | "title" | "argv"> = {},
): RunStep {
  return { do: "run", title, argv, ...more };
}

/** A step that writes a file. */
export function write(title: string, file: Omit<WriteStep, "do" | "title">): WriteStep {
  return { do: "write", title, ...file };
}

/** A step that is done from here. */
export function act(title: string, doing: ActStep["act"], more: Omit<ActStep, "do" | "title" | "act"> = {}): ActStep {
  return { do: "act", title, act: doing, ...more };
}

/**
 * How a change that can lock us out is undone (design.md decision 6). The host saves `files` and the output of `save`,
 * arms a restore that survives a reboot, runs the steps, and keeps them only if we confirm over a new connection.
 */
export interface Guard {
  /** Short lower-case word for unit names and messages: `firewall`. */
  readonly name: string;
  /** Absolute paths to save and put back (also their absence, owner and mode). */
  readonly files: readonly string[];
  /** Commands whose standard output is saved to a file, by a short name; a failing one saves nothing, and what names it is left out. */
  readonly save?: Readonly<Record<string, readonly string[]>>;
  /** Commands that run after the files are back, in order; the word `{name}` becomes the path of that saved output. All run, even if one fails. */
  readonly restore: readonly (readonly string[])[];
  /** Seconds until the host restores unless confirmed. @default 60 */
  readonly seconds?: number;
  /**
   * The account whose way in the change concerns, `*` for every account's. Where it is the one that we are to log in as, only
   * its own login confirms, with the key that is to last: another one that is in use may be what the change shuts off.
   */
  readonly account?: string;
  /** Guard only where `account` is the one that we are to log in as; no other can lock us out. @default false */
  readonly onlyOurs?: boolean;
}
