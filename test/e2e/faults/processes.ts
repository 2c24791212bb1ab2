import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** A process of a run of the engine, by the number and the moment of its start: numbers are given again. */
export interface RunningProcess {
  readonly pid: number;
  /** Clock ticks from boot to its start; proc_pid_stat(5), field 22. */
  readonly started: string;
  /** Its command line, words joined by spaces. */
  readonly command: string;
}

/** A process and all below it, itself first. Empty when it has ended. */
export async function processTree(root: number): Promise<RunningProcess[]> {
  const numbers = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const all = (await Promise.all(numbers.map(readProcess))).filter((one) => one !== undefined);
  const found = all.filter(({ pid }) => pid === root);
  for (const parent of found) found.push(...all.filter(({ parent: above }) => above === parent.pid));
  return found;
}

/** The plugins `onprem` among the processes of a run, or all that are no plugin: the engine and the program. */
export function pluginsOf(processes: readonly RunningProcess[]): RunningProcess[] {
  return processes.filter(({ command }) => /\/infra\/provider\/(main\.mjs|pulumi-resource-onprem)/.test(command));
}

/** Whether it still runs; one that has ended and was not waited for does not. */
export async function runs({ pid, started }: RunningProcess): Promise<boolean> {
  return (await readProcess(String(pid)))?.started === started;
}

/** Ends processes as `kill -9` does. Those that have ended are left out. */
export function killAll(processes: readonly RunningProcess[]): number {
  let killed = 0;
  for (const { pid } of processes) {
    try {
      process.kill(pid, "SIGKILL");
      killed += 1;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
  return killed;
}

/** Waits until all have ended; those that still run after some seconds. */
export async function remaining(processes: readonly RunningProcess[], within: number): Promise<RunningProcess[]> {
  for (const deadline = performance.now() + within * 1000; ; await sleep(50)) {
    const states = await Promise.all(processes.map(runs));
    const left = processes.filter((_, index) => states[index]);
    if (left.length === 0 || performance.now() > deadline) return left;
  }
}

async function readProcess(pid: string): Promise<(RunningProcess & { parent: number }) | undefined> {
  try {
    const [stat, command] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile(`/proc/${pid}/cmdline`, "utf8"),
    ]);
    // The name in brackets may hold anything: the fields are counted from behind it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return undefined;
    return {
      pid: Number(pid),
      parent: Number(fields[1]),
      started: fields[19] ?? "",
      command: command.replaceAll("\0", " ").trim(),
    };
  } catch {
    return undefined; // it has ended
  }
}
