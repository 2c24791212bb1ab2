import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect } from "vitest";
import { chronyText } from "../../../infra/components/baseline.ts";
import { run } from "../../../lab/command.ts";
import { statusLab } from "../../../lab/lab.ts";
import { shellWords } from "../../../lab/show.ts";
import type { MachineStatus } from "../../../lab/status.ts";
import { downVm, upVm } from "../../../lab/vm.ts";
import { lab, stackOn } from "../on-lab.ts";
import type { Declared } from "../project/index.ts";
import { fault } from "./fault.ts";
import { seconds } from "./trouble.ts";

// A virtual machine, for only that has a clock of its own: one for both cases. The packages are in its file system from the start,
// as in that of the preflight's test, which so is built once.
const vm = { name: "clock", lab: lab().name, progress: () => undefined };
let server: MachineStatus;

beforeAll(async () => {
  await downVm(vm); // of a run that was killed, in a lab that is kept
  const packages = ["chrony", "unattended-upgrades"];
  server = await upVm({ ...vm, cores: 2, memoryMiB: 4096, diskGB: 10, last: 22, packages });
}, 600_000);
afterAll(() => downVm(vm));

const path = "/etc/chrony/chrony.conf";
const content = chronyText([lab().services.ntp.addresses.v4]);
const reads = { [path]: createHash("sha256").update(content).digest("hex") };

/** What the program makes of time synchronisation, and the look that comes first. */
const resources: Declared[] = [
  { name: "facts", type: "Facts", args: {} },
  { name: "servers", type: "File", args: { path, content, adopt: true }, after: ["facts"] },
  {
    name: "time",
    type: "SystemdUnit",
    args: { name: "chrony.service", enabled: true, running: true, reads },
    after: ["servers"],
  },
];

fault(
  "machine/clock-a-year-ahead",
  {
    done: "The clock of a virtual machine is a year ahead when time synchronisation is set up",
    holds:
      "The run says that the clock is wrong, converges, and chrony sets it right; the next run has nothing to do or to say",
    timeout: 600_000,
  },
  async (report) => {
    await on("systemctl stop chrony; date --set='365 days' >/dev/null");
    expect(Math.round((await aheadOf()) / 86_400)).toBe(365);
    await using stack = await stackOn(server);
    const first = await stack.up(resources);
    expect([first.code, first.errors]).toEqual([0, []]);
    expect(first.warnings).toEqual([expect.stringMatching(/^The server's clock is 365 days ahead\. /)]);
    await expect.poll(async () => Math.abs(await aheadOf()), { timeout: 60_000 }).toBeLessThan(2);
    const second = await stack.up(resources);
    expect([second.code, second.errors, second.warnings, second.changes]).toEqual([0, [], [], {}]);
    report.seen(`"${firstSentence(first.warnings)}"; afterwards it was right, and the next update had nothing to do`);
  },
);

fault(
  "machine/clock-a-year-behind",
  {
    done: "Somebody sets the clock a year back while chrony runs, which by our configuration sets it only when it starts",
    holds:
      "The run says that the clock is wrong and what to do, changes nothing and takes no longer; that done, the clock is right",
    timeout: 600_000,
  },
  async (report) => {
    await using stack = await stackOn(server);
    expect((await stack.up(resources)).errors).toEqual([]);
    await on("date --set='365 days ago' >/dev/null");
    const wrong = await stack.up(resources);
    expect([wrong.code, wrong.errors, wrong.changes]).toEqual([0, [], {}]);
    expect(wrong.warnings).toEqual([
      expect.stringMatching(/^The server's clock is 365 days behind\. .*restart chrony/),
    ]);
    report.seen(`"${firstSentence(wrong.warnings)}", with what to do, after ${seconds(wrong.took)}`);
    await on("systemctl restart chrony");
    await expect.poll(async () => Math.abs(await aheadOf()), { timeout: 60_000 }).toBeLessThan(2);
    const healed = await stack.up(resources);
    expect([healed.code, healed.errors, healed.warnings]).toEqual([0, [], []]);
    report.seen("After `systemctl restart chrony` the clock was right, and nothing was said any more");
  },
);

function firstSentence([warning = ""]: readonly string[]): string {
  return warning.split(". ")[0] ?? "";
}

/** Runs a shell script on the virtual machine as root; its standard output. */
async function on(script: string): Promise<string> {
  const words = await shellWords(await statusLab(lab().name), vm.name, "deploy", ["sudo", "sh", "-e"]);
  return (await run(words, { input: script })).trimEnd();
}

/** Seconds that the clock is ahead of this machine's; none as long as it is between the question and the answer. */
async function aheadOf(): Promise<number> {
  const asked = Date.now();
  const there = Number(await on("date +%s%3N"));
  return (there - Math.min(Math.max(there, asked), Date.now())) / 1000;
}
