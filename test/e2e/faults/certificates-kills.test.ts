import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import type { Finished } from "../stack.ts";
import { CertificateLab } from "./certificate-order.ts";
import { fault } from "./fault.ts";
import { randomMoments } from "./moments.ts";
import { killAll, processTree } from "./processes.ts";

// DNS-2: runs that are killed in an order. A lab of its own.

/**
 * Moments of an order: what the authority was asked, the how-manieth time, and for how many milliseconds the run went on after it. The
 * directory is read for the renewal first; what comes after the certificate is its writing, its installing and the look at it.
 */
const moments = [
  { step: "directory", time: 2, after: 0 },
  { step: "newOrder", time: 1, after: 0 },
  { step: "newOrder", time: 1, after: 150 },
  { step: "authorization", time: 1, after: 0 },
  { step: "authorization", time: 1, after: 300 },
  { step: "challenge", time: 1, after: 0 },
  { step: "authorization", time: 2, after: 0 },
  { step: "finalize", time: 1, after: 0 },
  { step: "certificate", time: 1, after: 0 },
  { step: "certificate", time: 1, after: 600 },
] as const;
type Moment = (typeof moments)[number];

let at: CertificateLab;
beforeAll(async () => {
  at = await CertificateLab.up();
}, 400_000);
afterAll(() => at?.[Symbol.asyncDispose]());

fault(
  "certificates/killed-in-an-order",
  {
    done: "`kill -9` of the engine and the plugin at moments of an order, which the authority's own log tells: of ten moments as many as were asked for",
    holds:
      "Whatever the moment: one run converges, no challenge is left at any name server, no second certificate is issued, and the next run has nothing to do",
    timeout: 900_000,
  },
  async (report) => {
    // Time enough between two steps to tell them apart.
    await at.authority.fail({ kind: "slow", milliseconds: 250 });
    for (const moment of chosen()) {
      await at.wantAnother();
      const before = (await at.authority.requests()).length;
      // Orders that were finalized: each gives one certificate at most. The log has 502 for what a killed run did not stay to hear of, and
      // the authority may have done it.
      const issued = async () =>
        new Set(
          (await at.authority.requests())
            .slice(before)
            .filter(({ step, status }) => step === "finalize" && !(status >= 400 && status < 500))
            .map(({ path }) => path),
        ).size;
      const seen = async () =>
        (await at.authority.requests()).slice(before).filter(({ step }) => step === moment.step).length;
      const running = await at.stack.begin(at.declared());
      let ended = false;
      const finished = running.finished.finally(() => {
        ended = true;
      });
      while (!ended && (await seen()) < moment.time) await sleep(20);
      if (ended) expect.fail(`it ended before ${moment.step} ${moment.time}: ${howItEnded(await finished)}`);
      await sleep(moment.after);
      // The plugin, too, which would else bring the order to its end.
      const killed = killAll(await processTree(running.pid));
      await finished;
      expect(killed).toBeGreaterThanOrEqual(2);
      await at.stack.pulumi("cancel", "--yes", "--stack", at.stack.name);
      const values = (await at.left()).length;
      const already = await issued();
      const { errors } = await at.up();
      expect([moment, errors]).toEqual([moment, []]);
      expect([moment, await at.left()]).toEqual([moment, []]);
      expect([moment, await issued()]).toEqual([moment, 1]);
      expect(await at.served()).toBe(await at.serial());
      expect((await at.stack.preview(at.declared(), "--expect-no-changes")).code).toBe(0);
      const when = `${moment.step} ${moment.time}${moment.after > 0 ? ` and ${moment.after} ms` : ""}`;
      report.seen(
        `After ${when}: ${values === 0 ? "no challenge" : "a challenge"} had been left, the order was ${already === 0 ? "not" : "being"} finalized; one run converged, by one order in all`,
      );
    }
  },
);

/** What a run has changed and said, in a line; the rest of its events is much. */
function howItEnded(finished: Finished): string {
  const { code, changes, errors, warnings } = at.stack.outcome(finished);
  return JSON.stringify({ code, changes, errors, warnings, stderr: finished.stderr });
}

/** As many as the campaign asks for, drawn from all ten; ten and more: all. */
function chosen(): readonly Moment[] {
  const { fractions } = randomMoments("order");
  if (fractions.length >= moments.length) return moments;
  return fractions.map((fraction) => moments[Math.floor(fraction * moments.length)] ?? moments[0]);
}
