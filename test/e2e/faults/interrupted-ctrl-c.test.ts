import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import { machine, stackOn, within } from "../on-lab.ts";
import type { Stack } from "../stack.ts";
import { fault, type Report } from "./fault.ts";
import { bigFile, uploadBegun } from "./upload.ts";

/** Milliseconds for a case: some runs of the engine, on a machine that may be busy. */
const patience = 300_000;

const server = machine("test");
const path = "/srv/onprem-big";
const megabytes = 200;

let source: string;
beforeAll(async () => {
  source = await bigFile(megabytes);
});
afterAll(() => rm(dirname(source), { recursive: true, force: true }));

const program = () => [{ name: "big", type: "File", args: { path, source: { $file: source } } }];

fault(
  "interrupted/ctrl-c-once",
  {
    done: `Ctrl-C once (SIGINT to the whole process group of the run, as a terminal sends it) while a file of ${megabytes} MiB is uploaded`,
    holds:
      "The run ends within 5 s with an error, half a second later nothing half-written is on the server, no lock is left, and the next `up` finishes the work.",
    timeout: patience,
  },
  async (report) => {
    await using stack = await stackOn(server);
    const { ended, code } = await interrupted(stack, 1);
    report.seen(`It ended ${ended.toFixed(1)} s after Ctrl-C with exit code ${code}`);
    expect(code).not.toBe(0);
    expect(ended).toBeLessThan(5);
    expect(await stack.locks()).toEqual([]);
    await finishes(stack, report);
  },
);

fault(
  "interrupted/ctrl-c-twice",
  {
    done: `Ctrl-C twice, 10 ms apart, while a file of ${megabytes} MiB is uploaded`,
    holds:
      "The run ends within 5 s, nothing half-written is on the server, and after `pulumi cancel`, where a lock is left, one `up` finishes the work.",
    timeout: patience,
  },
  async (report) => {
    await using stack = await stackOn(server);
    const { ended, code, late } = await interrupted(stack, 2);
    const locks = await stack.locks();
    report.seen(
      `It ended ${ended.toFixed(1)} s after the first Ctrl-C with exit code ${code} and left ${locks.length === 0 ? "no lock" : "its lock"}${late ? "; it was over before the second one" : ""}`,
    );
    expect(code).not.toBe(0);
    expect(ended).toBeLessThan(5);
    if (locks.length > 0) expect((await stack.pulumi("cancel", "--yes", "--stack", stack.name)).code).toBe(0);
    await finishes(stack, report);
  },
);

fault(
  "interrupted/job-cancelled",
  {
    done: `SIGTERM to the engine alone, as a CI system ends a job, while a file of ${megabytes} MiB is uploaded`,
    holds:
      "As after Ctrl-C: the run ends within 5 s and leaves no lock and nothing half-written; the next `up` finishes the work.",
    timeout: patience,
  },
  async (report) => {
    await using stack = await stackOn(server);
    const { ended, code } = await interrupted(stack, 1, "SIGTERM");
    report.seen(`It ended after ${ended.toFixed(1)} s with exit code ${code}`);
    expect(code).not.toBe(0);
    expect(ended).toBeLessThan(5);
    expect(await stack.locks()).toEqual([]);
    await finishes(stack, report);
  },
);

/** Begins the upload and sends a signal, as Ctrl-C does; seconds until the run was over, from the first one; `late`: before the second one. */
async function interrupted(
  stack: Stack,
  times: 1 | 2,
  signal: "SIGINT" | "SIGTERM" = "SIGINT",
): Promise<{ ended: number; code: number; late: boolean }> {
  const running = await stack.begin(program());
  await uploadBegun(server, "/srv", running.finished);
  const asked = performance.now();
  // A terminal sends Ctrl-C to every process of the group in its foreground; a run that was begun leads one of its own.
  const whom = signal === "SIGINT" ? -running.pid : running.pid;
  process.kill(whom, signal);
  let late = false;
  if (times === 2) {
    await sleep(10);
    late = !sent(whom, signal);
  }
  const { code } = await running.finished;
  return { ended: (performance.now() - asked) / 1000, code, late };
}

/** False where nobody is left to get it. */
function sent(whom: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(whom, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

async function finishes(stack: Stack, report: Report): Promise<void> {
  await sleep(500);
  expect(await within(server, "ls -A /srv | grep onprem || true")).toBe("");
  const healing = await stack.up(program());
  expect(healing.errors).toEqual([]);
  expect(healing.code).toBe(0);
  expect(await within(server, `stat -c %s ${path}`)).toBe(String(megabytes * 1024 * 1024));
  expect((await stack.up(program())).changes).toEqual({});
  report.seen(
    `nothing of the file stood on the server half a second later; one \`up\` wrote all ${megabytes} MiB of it`,
  );
  expect((await stack.destroy()).errors).toEqual([]);
}
