import { downLab } from "../lab/lab.ts";
import { recordedLabs } from "../lab/registry.ts";
import type { Reporter } from "./reporter.ts";

/** How many labs a test run has, and so how many end-to-end files run side by side: most of them wait most of the time. */
export const labsAtATime = 3;

/** The labs of a test run are named after vitest's process, so that several runs and the lab of `npm start` stand side by side. */
export function labsOfRun(pid: number): string[] {
  return Array.from({ length: labsAtATime }, (_, index) => `e2e${pid}${"abcdefgh"[index]}`);
}

/** The process that a test's lab belongs to, also where a test file has several (`t123f`, `t123v`); `undefined` for any other lab. */
export function runOfLab(name: string): number | undefined {
  const match = /^(?:e2e(\d+)|t(\d+))[a-z]$/.exec(name);
  const pid = match?.[1] ?? match?.[2];
  return pid === undefined ? undefined : Number(pid);
}

/** Take down the labs of test runs that are gone: killed or interrupted, they could not do it themselves. */
export async function removeLeftLabs(reporter: Reporter): Promise<void> {
  for (const name of await recordedLabs()) {
    const pid = runOfLab(name);
    if (pid === undefined || isAlive(pid)) continue;
    reporter.line(`removing lab ${name}, whose test run is gone`);
    await downLab(name, { forget: true, progress: (line) => reporter.line(line) });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
