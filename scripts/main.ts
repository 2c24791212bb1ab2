import { constants } from "node:os";
import { Failure } from "../infra/provider/failure.ts";
import { LabError } from "../lab/lab-error.ts";
import { Reporter } from "./reporter.ts";
import { ScriptError } from "./script-error.ts";

/** What a script gets from its surroundings. */
export interface Surroundings {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly reporter: Reporter;
  /** Aborted by Ctrl-C, SIGTERM and SIGHUP; what is under way then cleans up and ends. */
  readonly signal: AbortSignal;
}

/**
 * Run a script: its number is the exit code, a failure we know is its three lines and exit code 1, and after a signal the exit code is
 * that of a shell, 128 + N, once everything has been cleaned up.
 */
export async function runMain(script: (surroundings: Surroundings) => Promise<number>): Promise<void> {
  const reporter = new Reporter();
  const interrupted = new AbortController();
  let exitBySignal: number | undefined;
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      exitBySignal ??= 128 + constants.signals[name];
      interrupted.abort();
    });
  }
  try {
    const surroundings = { args: process.argv.slice(2), env: process.env, reporter, signal: interrupted.signal };
    process.exitCode = await script(surroundings);
  } catch (error) {
    reporter.clear();
    if (exitBySignal !== undefined) reporter.line("interrupted; the same command goes on from here");
    else if (isKnown(error)) reporter.line(error.message);
    else throw error;
    process.exitCode = 1;
  } finally {
    reporter.clear();
    if (exitBySignal !== undefined) process.exitCode = exitBySignal;
  }
}

function isKnown(error: unknown): error is Error {
  return error instanceof ScriptError || error instanceof LabError || error instanceof Failure;
}
