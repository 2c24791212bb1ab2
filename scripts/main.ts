import { constants } from "node:os";
import { Failure } from "../infra/provider/failure.ts";
import { LabError } from "../lab/lab-error.ts";
import { Reporter } from "./reporter.ts";
import { ScriptError, UsageError } from "./script-error.ts";

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
 * that of a shell, 128 + N, once everything has been cleaned up. Arguments that it refuses (by `parseArgs` or {@link UsageError}) are
 * one sentence, the usage and exit code 2.
 *
 * @param usage What `--help` and `-h` print, before anything is done; `undefined` for a script that hands all its words on.
 */
export async function runMain(
  usage: string | undefined,
  script: (surroundings: Surroundings) => Promise<number>,
): Promise<void> {
  if (usage !== undefined && asksForHelp(process.argv.slice(2))) {
    process.stdout.write(usage);
    return;
  }
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
    else if (isUsage(error)) reporter.line(`${firstSentence(error.message)}\n\n${(usage ?? "").trimEnd()}`);
    else throw error;
    process.exitCode = isUsage(error) ? 2 : 1;
  } finally {
    reporter.clear();
    if (exitBySignal !== undefined) process.exitCode = exitBySignal;
  }
}

function isKnown(error: unknown): error is Error {
  return error instanceof ScriptError || error instanceof LabError || error instanceof Failure;
}

/** Words after `--` are somebody else's: `npm run lab -- shell dev -- ls --help`. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return args.slice(0, end < 0 ? args.length : end).some((word) => word === "--help" || word === "-h");
}

function isUsage(error: unknown): error is Error {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return error instanceof UsageError || code.startsWith("ERR_PARSE_ARGS_");
}

/** The rest of what `parseArgs` says is about dashes in positional arguments. */
function firstSentence(message: string): string {
  return message.split(". ")[0] ?? message;
}
