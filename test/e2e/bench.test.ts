import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findGroups } from "../../lab/cgroup.ts";
import type { Result } from "../../scripts/bench/measurement.ts";
import { type Finished, finish } from "../../scripts/command.ts";
import { lab, machine, within } from "./on-lab.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onprem-bench-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function bench(...words: string[]): Promise<{ ran: Finished; result: Result }> {
  const json = join(folder, "result.json");
  const script = new URL("../../scripts/bench.ts", import.meta.url).pathname;
  const ran = await finish([process.execPath, script, "--name", lab().name, "--json", json, ...words]);
  return { ran, result: JSON.parse(await readFile(json, "utf8")) as Result };
}

test("a small benchmark measures what it can, and says what it cannot", async () => {
  const { ran, result } = await bench(
    ...["--peers", "floor,onprem-tree,puppet", "--work", "20", "--cases", "nothing,drift", "--repeat", "1"],
  );
  expect(ran.stderr).toContain('there is no peer "puppet"; allowed: floor, onprem-file, onprem-tree, pyinfra');
  expect(ran.code).toBe(2);
  expect(result.runs.map(({ peer, case: name, outcome, why }) => ({ peer, name, outcome, why }))).toEqual([
    { peer: "floor", name: "nothing", outcome: "done", why: undefined },
    { peer: "onprem-tree", name: "nothing", outcome: "done", why: undefined },
    { peer: "onprem-tree", name: "drift", outcome: "done", why: undefined },
  ]);
  const [floor, tree] = result.runs.map(({ measured }) => measured);
  expect(floor).toMatchObject({ connections: 0, bytesToHost: 0, bytesFromHost: 0 });
  expect(tree?.connections).toBe(1);
  expect(tree?.bytesToHost).toBeGreaterThan(1_000);
  expect(tree?.hostCpu).toBeGreaterThan(0);
  expect(tree?.cpu).toBeGreaterThan(floor?.cpu ?? Number.POSITIVE_INFINITY);
  expect(tree?.ownMemory).toBeGreaterThan(floor?.ownMemory ?? Number.POSITIVE_INFINITY);
  expect(ran.stdout).toContain("20 files as one tree, nothing to do: at most 1.5 times the floor");
});

test("afterwards nothing of it is left", async () => {
  expect(await within(machine("dev"), "ls -d /etc/bench 2>&1 || :")).toContain("No such file");
  expect(await findGroups((name) => name === `onprem-${lab().name}.bench`)).toEqual([]);
});
