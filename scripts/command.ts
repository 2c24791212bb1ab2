import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { ScriptError } from "./script-error.ts";

/** A program and its arguments; no shell ever reads it. */
export type Words = readonly [string, ...string[]];

/** How a command is run. */
export interface CommandOptions {
  readonly cwd?: string;
  /** The whole environment. @default this process's own */
  readonly env?: NodeJS.ProcessEnv;
  /** Text for standard input. @default none, its end is there at once */
  readonly input?: string;
  /** Ends the command; it gets SIGINT, as from a keyboard, and time to clean up. */
  readonly signal?: AbortSignal | undefined;
  /** Seconds until it is ended. @default no limit */
  readonly timeout?: number;
  /** Called with each line of standard output or error while the command runs. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
}

/** What a finished command left behind. */
export interface Finished {
  /** Exit code; `null` when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Milliseconds that an ended command has for cleaning up before it is killed. */
const grace = 10_000;

/** Run a command to its end, whatever its exit code. Throws {@link ScriptError} only when it cannot be started or `signal` ends it. */
export async function finish(words: Words, options: CommandOptions = {}): Promise<Finished> {
  options.signal?.throwIfAborted();
  const [program, ...args] = words;
  const child = spawn(program, args, {
    stdio: "pipe",
    detached: true, // a process group of its own: Ctrl-C reaches it once, from us, and not a second time from the terminal
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.env !== undefined && { env: options.env }),
  });
  child.stdin.on("error", () => undefined); // a command that ends without reading is judged by its exit code
  child.stdin.end(options.input);
  let killing: NodeJS.Timeout | undefined;
  const stop = () => {
    signalGroup(child.pid, "SIGINT");
    killing ??= setTimeout(() => signalGroup(child.pid, "SIGKILL"), grace);
  };
  options.signal?.addEventListener("abort", stop);
  const timer = options.timeout === undefined ? undefined : setTimeout(stop, options.timeout * 1000);
  const texts = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    createInterface({ input: child[stream], crlfDelay: Number.POSITIVE_INFINITY }).on("line", (line) => {
      texts[stream] += `${line}\n`;
      options.onLine?.(line, stream);
    });
  }
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", (cause) =>
        reject(new ScriptError(`${program} could not be started`, cause.message, undefined, cause)),
      );
      child.on("close", resolve);
    });
    options.signal?.throwIfAborted();
    return { code, ...texts };
  } finally {
    clearTimeout(timer);
    clearTimeout(killing);
    options.signal?.removeEventListener("abort", stop);
  }
}

function signalGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // it has ended by itself
  }
}

/** The last lines of what a command said, for the second line of an error. */
export function lastWords(finished: Finished, lines = 5): string {
  const text = finished.stderr.trim() || finished.stdout.trim();
  const end = finished.code === null ? "ended by a signal" : `exit ${finished.code}`;
  return `${text.split("\n").slice(-lines).join("\n  ")} (${end})`;
}
