import { spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { constants } from "node:os";
import { Failure, reason } from "../../provider/failure.ts";
import { Cancelled, DeadlineExceeded } from "../../provider/host/errors.ts";
import type { Output } from "../../provider/host/host.ts";
import type { Action } from "./action.ts";
import { commandAction } from "./command.ts";
import { type LocalCommandInputs, localCommandFields } from "./inputs.ts";
import { shell } from "./shell.ts";

/** How messages call the machine where Pulumi runs. */
const here = "this machine";

/** Milliseconds between asking a command to end and making it. */
const patience = 2000;

/**
 * `command:local:Command`: a command line for sh on the machine where Pulumi runs. With an `interpreter` of its own the text
 * is that program's last argument, as with the official plugin, and so is for everybody on this machine to read.
 */
export function localCommand(signal: AbortSignal): Action {
  const described = {
    type: "command:local:Command",
    summary: "A command on the machine where Pulumi runs, run once per trigger.",
    fields: localCommandFields,
  };
  return commandAction<LocalCommandInputs>(described, async ({ inputs, text, env, title, occasion }) => {
    const { interpreter = [], dir = process.cwd(), stdin = "" } = inputs;
    const command = interpreter.length > 0 ? { argv: [...interpreter, text], env: {} } : shell(text);
    const what = `could not ${title} on ${here}`;
    if (!(await isDirectory(dir))) throw new Failure({ what, why: `dir is no directory: ${dir}` });
    const child = { argv: command.argv, dir, stdin, env: { ...process.env, ...env, ...command.env } };
    return { ...(await ended(child, { what, seconds: occasion.timeout, signal })), where: here };
  });
}

interface Child {
  readonly argv: readonly string[];
  readonly dir: string;
  readonly stdin: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Runs a program in a process group of its own, so that what it started ends with it. */
async function ended(
  { argv, dir, stdin, env }: Child,
  { what, seconds, signal }: { what: string; seconds: number; signal: AbortSignal },
): Promise<Output> {
  if (signal.aborted) throw new Cancelled(here);
  const [program = "", ...words] = argv;
  const child = spawn(program, words, { cwd: dir, env, detached: true });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const written = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let killed: Error | undefined;
  let last: NodeJS.Timeout | undefined;
  const kill = (error: Error) => {
    killed ??= error;
    signalGroup(child.pid, "SIGTERM");
    last ??= setTimeout(() => signalGroup(child.pid, "SIGKILL"), patience);
  };
  const cancel = () => kill(new Cancelled(here));
  const late = () => kill(new DeadlineExceeded({ what, why: `it ran longer than ${seconds} s and was killed` }));
  const deadline = seconds > 0 ? setTimeout(late, seconds * 1000) : undefined;
  signal.addEventListener("abort", cancel, { once: true });
  for (const name of ["stdout", "stderr"] as const)
    child[name].on("data", (bytes: Buffer) => written[name].push(bytes));
  // A command need not read what it is given.
  child.stdin.on("error", () => undefined);
  child.stdin.end(stdin);
  child.on("error", (error) => reject(new Failure({ what, why: reason(error) }, { cause: error })));
  child.on("close", (code, ending) => resolve(code ?? 128 + signalNumber(ending)));
  try {
    const code = await promise;
    if (killed !== undefined) throw killed;
    const text = (bytes: Buffer[]) => Buffer.concat(bytes).toString("utf8");
    return { code, stdout: text(written.stdout), stderr: text(written.stderr) };
  } finally {
    clearTimeout(deadline);
    clearTimeout(last);
    signal.removeEventListener("abort", cancel);
  }
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // ended meanwhile
  }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : constants.signals[signal];
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
