import { spawn } from "node:child_process";
import { LabError } from "./lab-error.ts";

/** A program and its arguments; no shell ever reads it. */
export type Words = readonly [string, ...string[]];

/** How a command is run. */
export interface RunOptions {
  /** Text for standard input. @default none */
  readonly input?: string;
  /** Variables beside this process's own. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the command with SIGKILL; the call fails only when it has ended. */
  readonly signal?: AbortSignal;
}

/** A command that ended with something else than 0. */
export class CommandError extends LabError {
  readonly exitCode: number | null;

  constructor(words: Words, exitCode: number | null, stderr: string) {
    const lines = stderr.trim().split("\n");
    super(`${words.slice(0, 4).join(" ")} failed`, `${lines.slice(-8).join("\n  ")} (exit ${exitCode ?? "by signal"})`);
    this.exitCode = exitCode;
  }
}

/** Run a command to its end and return what it printed. Throws {@link CommandError} unless it exits with 0. */
export function run(words: Words, options: RunOptions = {}): Promise<string> {
  const [program, ...args] = words;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      env: { ...process.env, LC_ALL: "C", ...options.env },
      ...(options.signal && { signal: options.signal, killSignal: "SIGKILL" }),
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
    child.stdin?.on("error", () => undefined); // a command that ends without reading is judged by its exit code
    child.stdin?.end(options.input);
    child.on("error", (cause) => {
      if (cause.name === "AbortError") return; // "close" follows, when nothing of the command runs any more
      reject(new LabError(`${program} could not be started`, cause.message, undefined, cause));
    });
    child.on("close", (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString());
      else reject(new CommandError(words, code, Buffer.concat(err).toString() || Buffer.concat(out).toString()));
    });
  });
}

/** Whether a command exits with 0. */
export async function succeeds(words: Words): Promise<boolean> {
  try {
    await run(words);
    return true;
  } catch (error) {
    if (error instanceof LabError) return false;
    throw error;
  }
}
