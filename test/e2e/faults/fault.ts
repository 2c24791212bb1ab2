import { test } from "vitest";
import type { FaultMeta } from "../../../scripts/faults/results.ts";

declare module "vitest" {
  interface TaskMeta {
    /** What a fault case says of itself; vitest's JSON report carries it to `npm run faults`. */
    fault?: FaultMeta;
  }
}

/** What a case says while it runs. */
export interface Report {
  /** What was seen, in a sentence of plain words; several are joined. Only what was measured or read in this run. */
  seen(text: string): void;
  /** Seconds for which no new login was possible, from the first that failed to the first that worked again. 0: never cut off. */
  accessBack(seconds: number): void;
}

/** A case in words. */
export interface FaultCase {
  /** What was done to the host, the network or us. */
  readonly done: string;
  /** What must hold. */
  readonly holds: string;
  /** Milliseconds for the whole case. @default 120000 */
  readonly timeout?: number;
  /** Runs side by side with the cases around it that say the same, each on a server of its own. @default false */
  readonly concurrent?: boolean;
}

/**
 * One case of the fault matrix: an ordinary test that also says, for docs/faults.md, what was done, what must hold and what was seen.
 *
 * @param id `group/name`, a literal: `scripts/faults/cases.ts` finds the cases by reading these files.
 */
export function fault(
  id: string,
  { done, holds, timeout, concurrent = false }: FaultCase,
  run: (report: Report) => Promise<void>,
): void {
  test(id, { concurrent, ...(timeout === undefined ? {} : { timeout }) }, async ({ task }) => {
    const meta: FaultMeta = { done, holds, seen: [] };
    task.meta.fault = meta;
    await run({
      seen: (text) => meta.seen.push(text),
      accessBack: (seconds) => {
        meta.accessBack = Math.round(seconds * 10) / 10;
      },
    });
  });
}
