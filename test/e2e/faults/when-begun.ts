import { setTimeout as sleep } from "node:timers/promises";
import type { Finished } from "../stack.ts";

/** Waits until something of a run has begun. Rejects with what the run said when it ends before that, and after two minutes. */
export async function whenBegun(finished: Promise<Finished>, look: () => Promise<boolean>): Promise<void> {
  let over: Finished | undefined;
  void finished.then((run) => {
    over = run;
  });
  for (const deadline = performance.now() + 120_000; performance.now() < deadline; await sleep(20)) {
    if (await look()) return;
    if (over !== undefined) throw new Error(`the run ended too soon: ${over.stderr}${over.stdout.slice(-2000)}`);
  }
  throw new Error("what was waited for never began");
}
