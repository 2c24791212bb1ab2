import { expect } from "vitest";
import { ChangeUndone } from "../../../infra/provider/host/errors.ts";
import { confirmScript, exits } from "../../../infra/provider/host/guard-texts.ts";
import { run } from "../../../infra/provider/step.ts";
import {
  chain,
  change,
  eachOnHost,
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
  traces,
  untouched,
} from "../guarded.ts";
import { machine } from "../on-lab.ts";
import { watchAccess } from "./access.ts";
import { fault, type Report } from "./fault.ts";

// What counts as a confirmation, and what does not. The design's decision 6.

const host = eachOnHost();

/** Sends a confirmation by hand; what the server answers: 0 kept, else why not. */
const confirm = async (id: string) =>
  (await host().look(["/bin/sh", "-s"], { stdin: confirmScript(id), exits: [0, ...Object.values(exits)] })).code;
const waiting = () => onHost("readlink /var/lib/onprem/guard/current");

/** A change that waits in its window for some seconds, then fails, so that nobody but the test confirms it. */
async function waitingChange(): Promise<{ id: string; ended: Promise<Error> }> {
  const ended = failure(host().perform([change(), run("wait", ["sleep", "4"]), run("stumble", ["false"])], guard));
  await expect.poll(() => onHost(`cat ${path}`), { timeout: 8000 }).toBe("after");
  return { id: await waiting(), ended };
}

fault(
  "confirmation/late",
  {
    done: "A confirmation that arrives after the server has undone the change",
    holds: "It keeps nothing, and is told so",
  },
  async (report) => {
    const { id, ended } = await waitingChange();
    await onHost(`sh /var/lib/onprem/guard/${id}/restore`);
    expect(await confirm(id)).toBe(exits.undone);
    await ended;
    expect(await stands()).toBe(untouched);
    report.seen(`The server answered ${exits.undone} (undone already), and everything was as before`);
  },
);

fault(
  "confirmation/twice",
  {
    done: "A confirmation that arrives twice, as where the first answer was lost",
    holds: "The change is kept, and the second one neither undoes it nor counts for a later change",
  },
  async (report) => {
    const { id, ended } = await waitingChange();
    expect(await confirm(id)).toBe(0);
    expect(await confirm(id)).toBe(exits.unknown);
    await ended;
    await onHost("sleep 10");
    expect(await stands()).toBe("after root:root 644");
    expect(await traces()).toBe("");
    report.seen(
      `The first was answered 0 (kept), the second ${exits.unknown} (nothing waits); the change stood after the window`,
    );
  },
);

fault(
  "confirmation/of-an-older-change",
  {
    done: "A confirmation for an earlier change, one for a change that never was, while another waits",
    holds: "Neither keeps the one that waits",
  },
  async (report) => {
    const slow = host().perform([change("older"), run("wait", ["sleep", "2"])], guard);
    await expect.poll(() => onHost(`cat ${path}`), { timeout: 8000 }).toBe("older");
    const older = await waiting();
    await slow;
    await prepare();
    const { ended } = await waitingChange();
    expect(await confirm(older)).toBe(exits.another);
    expect(await confirm("trial-00000000")).toBe(exits.another);
    await ended;
    expect(await stands()).toBe(untouched);
    expect(await confirm("trial-00000000")).toBe(exits.unknown);
    report.seen(`Both were answered ${exits.another} (another change waits), and the change was undone`);
  },
);

fault(
  "confirmation/over-an-open-connection",
  {
    done: "New connections dropped while two connections from before stay open and answer, as a multiplexed ssh would have it",
    holds: "An open connection that works counts as none: the change is undone",
  },
  async (report) => {
    const other = await open();
    try {
      await using access = watchAccess(machine("test"));
      const shut = rules(chain("input", newLogins));
      const ended = failure(host().perform([change(), shut], guard));
      await expect.poll(() => onHost(`cat ${path}`), { timeout: 8000 }).toBe("after");
      await expect.poll(() => onHost("nft list ruleset | grep -c 'dport 22' || :"), { timeout: 4000 }).toBe("1");
      let answers = 0;
      for (let round = 0; round < 5; round += 1)
        answers += (await other.look(["cat", path])).stdout === "after" ? 1 : 0;
      expect(answers).toBe(5);
      const error = await ended;
      expect(error).toBeInstanceOf(ChangeUndone);
      report.accessBack(await access.outage());
      expect(await stands()).toBe(untouched);
      report.seen(`The open connection answered ${answers} of 5 times with the change in force; ${firstLine(error)}`);
    } finally {
      await other.close();
    }
  },
);

/** Packets lost in both directions, on everything but loopback. */
const lossy = (percent: number) => {
  const lose = `iifname != lo meta l4proto tcp numgen random mod 100 < ${percent} drop`;
  return chain("input", lose) + chain("output", lose.replace("iifname", "oifname"));
};

async function underLoss(report: Report, percent: number, window: number): Promise<void> {
  const longer = { ...guard, seconds: window };
  const began = performance.now();
  await host().perform([change(), rules(lossy(percent))], longer);
  const took = (performance.now() - began) / 1000;
  await onHost("nft flush ruleset");
  expect(await stands()).toBe("after root:root 644");
  expect(await traces()).toBe("");
  report.seen(`The good change was confirmed after ${took.toFixed(1)} s of a window of ${window} s`);

  await prepare();
  await using access = watchAccess(machine("test"));
  const shut = rules(
    chain("forward", "") + lossy(percent).replace("meta l4proto", "tcp dport 22 ct state new drop\nmeta l4proto"),
  );
  const error = await failure(host().perform([change(), shut], { ...guard, seconds: 15 }));
  expect(error).toBeInstanceOf(ChangeUndone);
  expect(await stands()).toBe(untouched);
  report.accessBack(await access.outage());
  report.seen(`the one that also cut us off was undone: ${firstLine(error)}`);
}

const neither = "A good change is kept, one that cuts us off is undone: loss neither confirms nor restores wrongly";

fault(
  "confirmation/loss-5-percent",
  { done: "5 % of all packets lost in each direction, from the change on", holds: neither },
  (report) => underLoss(report, 5, 30),
);

fault(
  "confirmation/loss-30-percent",
  { done: "30 % of all packets lost in each direction, from the change on", holds: neither, timeout: 300_000 },
  (report) => underLoss(report, 30, 60),
);
