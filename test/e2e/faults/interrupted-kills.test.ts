import { randomBytes } from "node:crypto";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import { resetHost } from "../../../lab/lab.ts";
import type { ServerName } from "../../../lab/status.ts";
import { lab, machine, stackOn, within } from "../on-lab.ts";
import type { Stack } from "../stack.ts";
import { fault, type Report } from "./fault.ts";
import { firstRun, leftovers, standing } from "./first-run.ts";
import { randomMoments } from "./moments.ts";
import { killAll, pluginsOf, processTree, type RunningProcess, remaining } from "./processes.ts";

// Three victims, each on a server of its own, side by side.

let folder: string;
let source: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onprem-kills-"));
  source = join(folder, "source");
  await writeFile(source, randomBytes(12 * 1024 * 1024));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const victims = {
  provider: (tree: readonly RunningProcess[]) => pluginsOf(tree),
  engine: (tree: readonly RunningProcess[]) => tree.slice(0, 1),
  both: (tree: readonly RunningProcess[]) => [...tree.slice(0, 1), ...pluginsOf(tree)],
} as const;

const holds =
  "Whatever the moment: nothing of the run stays alive, one `up` then converges and a further one changes nothing, and the server holds exactly what an uninterrupted run makes, with no temporary file, note or guard left.";

fault(
  "interrupted/provider-killed",
  { done: "`kill -9` of the plugin at random moments of a first `up`", holds, timeout: 3_600_000, concurrent: true },
  (report) => campaign("dev", "provider", report),
);

fault(
  "interrupted/engine-killed",
  { done: "`kill -9` of the engine at random moments of a first `up`", holds, timeout: 3_600_000, concurrent: true },
  (report) => campaign("test", "engine", report),
);

fault(
  "interrupted/engine-and-provider-killed",
  {
    done: "`kill -9` of the engine and the plugin together at random moments of a first `up`",
    holds,
    timeout: 3_600_000,
    concurrent: true,
  },
  (report) => campaign("prod", "both", report),
);

async function campaign(server: ServerName, victim: keyof typeof victims, report: Report): Promise<void> {
  const { seed, fractions } = randomMoments(victim);
  console.log(`${victim}: ${fractions.length} moments, ONPREM_FAULT_SEED=${seed}`);
  const program = firstRun(lab(), source);
  await using stack = await stackOn(machine(server));
  const fresh = join(folder, `${server}-fresh`);
  await cp(join(stack.folder, ".pulumi"), fresh, { recursive: true });
  try {
    await bare(server);
    const whole = await stack.up(program);
    expect(whole.errors).toEqual([]);
    await findsPlugins(stack, program);
    const reference = await standing(machine(server));

    const counts = { late: 0, locked: 0, pending: 0 };
    let duration = whole.took;
    for (const [round, fraction] of fractions.entries()) {
      const kill = async () => {
        await bare(server);
        await rm(join(stack.folder, ".pulumi"), { recursive: true });
        await cp(fresh, join(stack.folder, ".pulumi"), { recursive: true });
        return interrupted(stack, program, fraction * duration, victims[victim]);
      };
      let run = await kill();
      // The machine was less busy than when the duration was measured: this moment again, of the run as it is now.
      for (; run.killed === 0 && counts.late <= fractions.length; run = await kill()) {
        counts.late += 1;
        duration = run.took;
      }
      expect(run.killed).toBeGreaterThan(0);
      const what = `round ${round + 1}, killed at ${((fraction * duration) / 1000).toFixed(2)} s`;
      if (await unlock(stack)) counts.locked += 1;
      await guardsOver(server);
      if (JSON.parse(await stack.export()).deployment.pending_operations?.length > 0) counts.pending += 1;
      const healing = await stack.up(program);
      expect({ what, errors: healing.errors, code: healing.code }).toEqual({ what, errors: [], code: 0 });
      const again = await stack.up(program);
      expect({ what, code: again.code, changes: again.changes }).toEqual({ what, code: 0, changes: {} });
      expect(await standing(machine(server)), what).toBe(reference);
      expect(await leftovers(machine(server)), what).toBe("");
    }
    report.seen(
      `${fractions.length} moments of a run of ${(whole.took / 1000).toFixed(1)} s (seed ${seed}); ${counts.late} came when it had ended, and were tried again`,
    );
    report.seen(
      `${counts.locked} left a lock, ${counts.pending} a pending operation; every \`up\` afterwards converged`,
    );
  } finally {
    await bare(server);
  }
}

/** A victim that is looked for by a name that it no longer has would never be hit: a run that changes nothing must show one. */
async function findsPlugins(stack: Stack, program: Parameters<Stack["begin"]>[0]): Promise<void> {
  const running = await stack.begin(program);
  let found = 0;
  let over = false;
  const finished = running.finished.finally(() => {
    over = true;
  });
  for (; !over && found === 0; await sleep(20)) found = pluginsOf(await processTree(running.pid)).length;
  expect((await finished).code).toBe(0);
  expect(found).toBeGreaterThan(0);
}

/** Starts a run and kills its victims at a moment, or as soon afterwards as they are there; `killed` is 0 when it had ended. */
async function interrupted(
  stack: Stack,
  program: Parameters<Stack["begin"]>[0],
  at: number,
  choose: (tree: readonly RunningProcess[]) => RunningProcess[],
): Promise<{ killed: number; took: number }> {
  const began = performance.now();
  const running = await stack.begin(program);
  let over = false;
  const finished = running.finished.finally(() => {
    over = true;
  });
  await Promise.race([finished, sleep(Math.max(0, at - (performance.now() - began)))]);
  let killed = 0;
  let tree: RunningProcess[] = [];
  while (!over && killed === 0) {
    tree = await processTree(running.pid);
    killed = killAll(choose(tree));
    if (killed === 0) await sleep(20);
  }
  const { took } = await finished;
  // What is left of a run must not work on beside the next one: it notices within seconds that it is alone. Pulumi's own
  // language host notices after minutes; it has nothing to do with servers.
  const ours = tree.filter(({ command }) => !command.includes("/pulumi-language-nodejs "));
  const left = await remaining(ours, 15);
  killAll(await remaining(tree, 0));
  expect(left.map(({ command }) => command)).toEqual([]);
  return { killed, took };
}

/** Does what docs/operations.md says where a run left its lock; whether there was one. */
async function unlock(stack: Stack): Promise<boolean> {
  if ((await stack.locks()).length === 0) return false;
  const { code, stderr } = await stack.pulumi("cancel", "--yes", "--stack", stack.name);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(await stack.locks()).toEqual([]);
  return true;
}

/** A guarded change that nobody confirms any more is undone by the server within its window. */
async function guardsOver(server: ServerName): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(200)) {
    if ((await within(machine(server), "readlink /var/lib/onprem/guard/current || :")) === "") return;
  }
  throw new Error(`a guarded change on ${server} was not undone`);
}

async function bare(server: ServerName): Promise<void> {
  await resetHost(lab().name, server, { progress: () => undefined });
}
