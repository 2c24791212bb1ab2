import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import type { MachineStatus } from "../../../lab/status.ts";
import { machine, stackOn, within } from "../on-lab.ts";
import type { Declared } from "../project/index.ts";
import type { Run, Stack } from "../stack.ts";
import { watchAccess } from "./access.ts";
import { type Cut, cut } from "./cut.ts";
import { fault, type Report } from "./fault.ts";
import { slowBegun, slowDone, slowForgotten, slowProgram, slowStanding, slowTitle } from "./slow-step.ts";
import { bigFile, uploadBegun } from "./upload.ts";

/** Milliseconds for a case: some runs of the engine, on a machine that may be busy. */
const patience = 300_000;

const megabytes = 200;
const path = "/srv/onprem-cut";

let source: string;
beforeAll(async () => {
  source = await bigFile(megabytes);
});
const forget = async () => {
  for (const name of ["dev", "test", "prod"]) await slowForgotten(machine(name));
};
beforeAll(forget); // of a run that was killed, in a lab that is kept
afterAll(forget);
afterAll(() => rm(dirname(source), { recursive: true, force: true }));

const upload = (): Declared[] => [{ name: "big", type: "File", args: { path, source: { $file: source } } }];

const step = slowProgram(12);

const told = {
  upload:
    "The run ends with an error that says which step may or may not have run; nothing half-written stays; the next `up` writes the file and a further one changes nothing.",
  step: "The run ends with an error that says which step may or may not have run, and what was not begun; the next `up` finishes the work and a further one changes nothing.",
};

fault(
  "interrupted/ssh-reset-in-upload",
  {
    done: `Every SSH packet answered with a reset while a file of ${megabytes} MiB is uploaded, until the run had ended`,
    holds: told.upload,
    timeout: patience,
  },
  (report) => cutInUpload(machine("prod"), "reset", report),
);

fault(
  "interrupted/ssh-reset-in-step",
  {
    done: "Every SSH packet answered with a reset while a unit takes 12 s to start, until the run had ended",
    holds: told.step,
    timeout: patience,
  },
  (report) => cutInStep(machine("prod"), "reset", report),
);

fault(
  "interrupted/ssh-frozen-in-upload",
  {
    done: `Every SSH packet dropped, without a reset, while a file of ${megabytes} MiB is uploaded, until the run had ended`,
    holds: `${told.upload} The run ends within 45 s.`,
    timeout: 300_000,
    concurrent: true,
  },
  (report) => cutInUpload(machine("dev"), "frozen", report),
);

fault(
  "interrupted/ssh-frozen-in-step",
  {
    done: "Every SSH packet dropped, without a reset, while a unit takes 12 s to start, until the run had ended",
    holds: `${told.step} The run ends within 45 s.`,
    timeout: 300_000,
    concurrent: true,
  },
  (report) => cutInStep(machine("test"), "frozen", report),
);

fault(
  "interrupted/server-rebooted",
  {
    done: "The server rebooted while a unit takes 25 s to start",
    holds:
      "The run ends with an error that names the step; the next `up`, said at once, waits for the server to boot and finishes the work; a further one changes nothing.",
    timeout: 300_000,
    concurrent: true,
  },
  async (report) => {
    const server = machine("prod");
    await slowForgotten(server);
    await using stack = await stackOn(server);
    const step = slowProgram(25); // longer than a busy machine takes to begin the shutdown
    const running = await stack.begin(step);
    await slowBegun(server, running.finished);
    await using access = watchAccess(server);
    const booted = await within(server, "cat /proc/sys/kernel/random/boot_id; cut -d ' ' -f 22 /proc/1/stat");
    await within(server, "systemctl --no-block reboot");
    const run = stack.outcome(await running.finished);
    // The unit is stopped first, or the connection is: which of the two is told is a matter of luck.
    expect(run.code).not.toBe(0);
    expect(run.errors).toEqual([expect.stringContaining(slowTitle)]);
    report.seen(
      `The run said "${run.errors[0]
        ?.split("\n")
        .find((line) => line.includes(slowTitle))
        ?.replace(/^.*?": /, "")}"`,
    );
    await access.lost();
    await finishes(stack, step, report);
    report.accessBack(await access.outage());
    expect(await slowStanding(server)).toBe(slowDone);
    expect(await within(server, "cat /proc/sys/kernel/random/boot_id; cut -d ' ' -f 22 /proc/1/stat")).not.toBe(booted);
    await stack.destroy();
  },
);

async function cutInUpload(server: MachineStatus, how: Cut, report: Report): Promise<void> {
  await using stack = await stackOn(server);
  const running = await stack.begin(upload());
  await uploadBegun(server, dirname(path), running.finished);
  const run = await whileCut(server, how, stack, running.finished, report);
  failed(run, `write ${path}`, report);
  await finishes(stack, upload(), report);
  expect(await within(server, `stat -c %s ${path}`)).toBe(String(megabytes * 1024 * 1024));
  const began = performance.now();
  while ((await temporary(server)) !== "") {
    if (performance.now() - began > 120_000) throw new Error("a temporary file stayed on the server for two minutes");
    await sleep(500);
  }
  report.seen(`no temporary file stood on the server ${((performance.now() - began) / 1000).toFixed(0)} s after that`);
  expect((await stack.destroy()).errors).toEqual([]);
}

async function cutInStep(server: MachineStatus, how: Cut, report: Report): Promise<void> {
  await slowForgotten(server);
  await using stack = await stackOn(server);
  const running = await stack.begin(step);
  await slowBegun(server, running.finished);
  failed(await whileCut(server, how, stack, running.finished, report), slowTitle, report);
  await finishes(stack, step, report);
  expect(await slowStanding(server)).toBe(slowDone);
  expect((await stack.destroy()).errors).toEqual([]);
}

/** Cuts the connection until the run has ended: in a step that only waits, seconds go by until a packet is sent. */
async function whileCut(
  server: MachineStatus,
  how: Cut,
  stack: Stack,
  finished: ReturnType<Stack["pulumi"]>,
  report: Report,
): Promise<Run> {
  const began = performance.now();
  const mend = await cut(server, how);
  try {
    await finished;
  } finally {
    await mend();
  }
  const run = stack.outcome(await finished);
  const seconds = (performance.now() - began) / 1000;
  report.seen(`The run ended ${seconds.toFixed(1)} s after the cut`);
  expect(seconds).toBeLessThan(45);
  return run;
}

function failed(run: Run, doing: string, report: Report): void {
  expect(run.code).not.toBe(0);
  expect(run.errors).toHaveLength(1);
  expect(run.errors[0]).toContain(`while it was to ${doing}\n`);
  expect(run.errors[0]).toContain("this step may or may not have run");
  const line = run.errors[0]?.split("\n").find((text) => text.includes(doing));
  report.seen(`It said "${line?.replace(/^.*?": /, "").trim()}"`);
}

async function finishes(stack: Stack, program: Declared[], report: Report): Promise<void> {
  const healing = await stack.up(program);
  expect(healing.errors).toEqual([]);
  expect(healing.code).toBe(0);
  const again = await stack.up(program);
  expect({ code: again.code, changes: again.changes }).toEqual({ code: 0, changes: {} });
  report.seen(
    `the next \`up\` took ${(healing.took / 1000).toFixed(0)} s and converged; the one after it changed nothing`,
  );
}

function temporary(server: MachineStatus): Promise<string> {
  return within(server, `find ${dirname(path)} -maxdepth 1 -name '.onprem-*'`);
}
