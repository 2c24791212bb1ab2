import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect } from "vitest";
import { ChangeInProgress } from "../../../infra/provider/host/errors.ts";
import type { SshHost } from "../../../infra/provider/host/ssh-host.ts";
import { type Guard, run, type Step } from "../../../infra/provider/step.ts";
import {
  armed,
  chain,
  change,
  failure,
  firstLine,
  guard,
  newLogins,
  onHost,
  open,
  path,
  prepare,
  rules,
  stands,
  tidy,
} from "../guarded.ts";
import { connectionTo, machine } from "../on-lab.ts";
import { watchAccess } from "./access.ts";
import { fault, type Report } from "./fault.ts";
import { seconds } from "./locked-out.ts";

// Who confirms, and what happens when nobody is left to do it. The design's decision 6.

const undoneWithoutUs = "The server undoes everything by itself when the window ends, without anybody's help";
const wait = run("wait", ["sleep", "5"]);
const shut = rules(chain("input", newLogins));

beforeEach(prepare);
afterEach(tidy);

fault(
  "confirmation/two-operators",
  {
    done: "A second operator changes the same server while the first one's change waits for its confirmation",
    holds:
      "The second is refused before anything changes and is told whose change waits; the first is kept; then the second's turn comes",
  },
  async (report) => {
    const [one, other] = [await open(), await open()];
    try {
      const first = one.perform([change(), run("wait", ["sleep", "3"])], guard);
      await expect.poll(() => onHost(`cat ${path}`), { timeout: 5000 }).toBe("after");
      const error = await failure(other.perform([change("mine")], guard));
      expect(error).toBeInstanceOf(ChangeInProgress);
      expect(error.message).toMatch(/trial-[0-9a-f]{8}, by \S+@\S+, since .* UTC, undone at .* UTC unless confirmed/);
      await first;
      await other.perform([change("mine")], guard);
      expect(await stands()).toBe("mine root:root 644");
      report.seen(firstLine(error));
    } finally {
      await one.close();
      await other.close();
    }
  },
);

fault(
  "confirmation/controller-killed-before-arming",
  {
    done: "kill -9 of the controller while the server still saves the old state, before the timer is armed",
    holds: "Nothing was changed, nothing will be, and the next change is accepted within seconds of the window's end",
  },
  (report) =>
    killed(report, [change()], { save: { ...guard.save, slow: ["sleep", "3"] } }, () =>
      expect.poll(() => onHost("pgrep -fc '[s]leep 3' || :"), { timeout: 10_000 }).not.toBe("0"),
    ),
);

fault(
  "confirmation/controller-killed-after-arming",
  { done: "kill -9 of the controller when the timer is armed and nothing is changed yet", holds: undoneWithoutUs },
  (report) =>
    killed(report, [wait, change()], {}, () =>
      expect.poll(() => onHost("systemctl is-active onprem-guard.timer || :"), { timeout: 10_000 }).toBe("active"),
    ),
);

fault(
  "confirmation/controller-killed-after-the-change",
  { done: "kill -9 of the controller when the change is made and further steps run", holds: undoneWithoutUs },
  (report) =>
    killed(report, [change(), wait], {}, () =>
      expect.poll(() => onHost(`cat ${path}`), { timeout: 10_000 }).toBe("after"),
    ),
);

fault(
  "confirmation/controller-killed-before-confirming",
  {
    done: "Rules that cut us off, and kill -9 of the controller while it tries to log in for the confirmation",
    holds: undoneWithoutUs,
  },
  (report) =>
    killed(report, [change(), shut], {}, () =>
      // Its packets are dropped: it has begun, and waits.
      expect.poll(() => onHost("nft list ruleset | grep -c 'dport 22' || :"), { timeout: 10_000 }).toBe("1"),
    ),
);

/** A change whose operator is killed when `ready` says so; afterwards the server must be as it was, and free for the next change. */
async function killed(
  report: Report,
  steps: Step[],
  more: Partial<Guard>,
  ready: () => Promise<unknown>,
): Promise<void> {
  const operator = startOperator(steps, { ...guard, seconds, ...more });
  try {
    await using access = watchAccess(machine("test"));
    await ready();
    const began = performance.now();
    const process = once(operator, "exit");
    operator.kill("SIGKILL");
    expect(await process).toEqual([null, "SIGKILL"]);
    const host = await next(began);
    report.accessBack(await access.outage());
    const free = (performance.now() - began) / 1000;
    expect(free).toBeLessThan(seconds + 15);
    report.seen(
      `As before the change, nothing armed, and the next operator's change kept, ${free.toFixed(1)} s after the kill`,
    );
    await host.close();
  } finally {
    operator.kill("SIGKILL");
  }
}

/** The next operator: refused while the change waits, then everything must be as it was, and the own change is kept. */
async function next(began: number): Promise<SshHost> {
  for (;;) {
    const host = await open().catch(() => undefined); // cut off still
    try {
      if (host === undefined) throw new ChangeInProgress({ what: "no way in yet", why: "the change waits" });
      expect(await onHost(`test -L /var/lib/onprem/guard/current || cat ${path}`)).toMatch(/^(before)?$/);
      await host.perform([change("next")], guard);
      expect(await stands()).toBe("next root:root 644");
      expect(await armed()).toBe("");
      return host;
    } catch (error) {
      await host?.close();
      if (!(error instanceof ChangeInProgress) || performance.now() - began > 60_000) throw error;
      await sleep(250);
    }
  }
}

function startOperator(steps: Step[], guard: Guard): ChildProcess {
  const settings = { ...connectionTo(machine("test")), name: "test" };
  const program = new URL("operator.ts", import.meta.url).pathname;
  return spawn(process.execPath, [program, JSON.stringify({ settings, steps, guard })], { stdio: "ignore" });
}
