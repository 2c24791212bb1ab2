import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Words } from "./command.ts";

/** One process for certain: a PID alone may be somebody else's by now, a PID with its start time never is (proc(5), field 22). */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot. */
  readonly startTime: string;
}

/** The state letter and start time in a line of /proc/PID/stat. The name in parentheses may hold spaces and parentheses. */
export function parseStat(stat: string): { state: string; startTime: string } | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, startTime] = [fields[0], fields[19]];
  return state && startTime ? { state, startTime } : undefined;
}

/** Who runs under a PID now; `undefined` when nobody does or only its exit status is left. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const seen = parseStat(stat);
  return seen && seen.state !== "Z" && seen.state !== "X" ? { pid, startTime: seen.startTime } : undefined;
}

/** Whether this very process still runs. */
export async function isAlive(who: ProcessIdentity): Promise<boolean> {
  return (await identify(who.pid))?.startTime === who.startTime;
}

/** Send a signal to this very process; false when it is gone. */
export async function signalProcess(who: ProcessIdentity, signal: NodeJS.Signals | number): Promise<boolean> {
  if (!(await isAlive(who))) return false;
  try {
    process.kill(who.pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** Wait until `done` says so, looking every 20 ms. False when `milliseconds` pass first. */
export async function waitUntil(done: () => Promise<boolean>, milliseconds: number): Promise<boolean> {
  const end = Date.now() + milliseconds;
  while (!(await done())) {
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

/** Start a program that outlives this process, detached from it, its output appended to `logFile`. */
export async function startDaemon(
  words: Words,
  logFile: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ProcessIdentity> {
  const [program, ...args] = words;
  const log = openSync(logFile, "a", 0o600);
  try {
    const child = spawn(program, args, {
      detached: true,
      cwd: "/",
      stdio: ["ignore", log, log],
      env: { ...process.env, ...env },
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("spawn", () => resolve(child.pid as number));
    });
    child.unref();
    return (await identify(pid)) ?? { pid, startTime: "0" };
  } finally {
    closeSync(log);
  }
}
