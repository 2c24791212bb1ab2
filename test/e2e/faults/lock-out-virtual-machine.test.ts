import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, vi } from "vitest";
import { ChangeUndone } from "../../../infra/provider/host/errors.ts";
import { connect, type SshHost } from "../../../infra/provider/host/ssh-host.ts";
import { type Guard, run, type Step, write } from "../../../infra/provider/step.ts";
import type { MachineStatus } from "../../../lab/status.ts";
import { downVm, upVm } from "../../../lab/vm.ts";
import { chain, failure, firstLine, newLogins, timed } from "../guarded.ts";
import { connectionTo, lab } from "../on-lab.ts";
import { watchAccess } from "./access.ts";
import { fault, type Report } from "./fault.ts";

// What only a virtual machine shows: a power cut that loses what was not synced, and a clock of its own. The design's decision 6.

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const vm = {
  name: "guarded",
  lab: lab().name,
  cores: 2,
  memoryMiB: 2048,
  diskGB: 20,
  last: 31,
  progress: () => undefined,
};
const path = "/etc/onprem-guarded";

let server: MachineStatus;

beforeAll(async () => {
  server = await upVm(vm);
});

afterAll(() => downVm(vm));

const open = (): Promise<SshHost> => connect({ ...connectionTo(server), name: vm.name }, { say: () => undefined });
const change = write(`write ${path}`, { path, content: "after", owner: "root", group: "root", mode: "0644" });
const shut: Step = run("load rules", ["nft", "-f", "-"], { stdin: chain("input", newLogins) });
const guard: Guard = {
  name: "trial",
  files: [path],
  save: { rules: ["nft", "list", "ruleset"] },
  restore: [
    ["nft", "flush", "ruleset"],
    ["nft", "-f", "{rules}"],
  ],
  seconds: 30,
};

fault(
  "lock-out/power-cut-in-the-window",
  {
    done: "The power of a virtual machine cut (its QEMU killed) in the window, right after the change that cut us off",
    holds: "It boots with the old file and without the rules, although nothing but the guard has synced anything",
  },
  async (report) => {
    const [host, other] = [await open(), await open()];
    await host.perform([write("write it", { ...change, content: "before" })]);
    const ended = failure(host.perform([change, shut], guard));
    // Over a connection from before: the rules leave those alone.
    const inForce = async () => (await other.look(["nft", "list", "ruleset"])).stdout;
    await expect.poll(inForce, { timeout: 30_000 }).toContain("dport 22");
    process.kill(server.leader ?? expect.fail("it does not run"), "SIGKILL");
    const cut = performance.now();
    server = await upVm(vm);
    report.accessBack((performance.now() - cut) / 1000);
    const error = await ended;
    expect(error).toBeInstanceOf(ChangeUndone);
    expect((await host.look(["cat", path])).stdout).toBe("before");
    expect((await host.look(["nft", "list", "ruleset"])).stdout).toBe("");
    await host.close();
    await other.close();
    report.seen(`${firstLine(error)}; access came back with the boot of an emulated machine`);
  },
);

fault(
  "lock-out/clock-jumps-ahead",
  {
    done: "The clock set a year ahead in the window of a change that cuts us off",
    holds: "The window is as long as before: the server counts by a clock that nobody can set",
  },
  (report) => jump(report, "1 year"),
);

fault(
  "lock-out/clock-jumps-back",
  {
    done: "The clock set a year back in the window of a change that cuts us off",
    holds: "The window is as long as before: the server counts by a clock that nobody can set",
  },
  (report) => jump(report, "1 year ago"),
);

async function jump(report: Report, where: string): Promise<void> {
  const host = await open();
  try {
    await host.perform([write("write it", { ...change, content: "before" })]);
    await using access = watchAccess(server, 10);
    const clock = run("set the clock", ["date", "--set", where]);
    const { error, after } = await timed(host.perform([change, clock, shut], guard));
    expect(error).toBeInstanceOf(ChangeUndone);
    expect(after).toBeGreaterThan(guard.seconds ?? 0);
    expect(after).toBeLessThan((guard.seconds ?? 0) + 90);
    report.accessBack(await access.outage(180));
    expect((await host.look(["cat", path])).stdout).toBe("before");
    report.seen(`Undone ${after.toFixed(1)} s after the begin, with a window of ${guard.seconds} s`);
  } finally {
    await host.perform([run("set the clock right", ["date", "--set", new Date().toISOString()])]);
    await host.close();
    await sleep(500);
  }
}
