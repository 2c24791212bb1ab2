import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { upLab } from "../../lab/lab.ts";
import { stopLightHosts } from "../../lab/light-hosts.ts";
import { withLock } from "../../lab/lock.ts";
import { cacheFolder, runFolder } from "../../lab/places.ts";
import { stopSlowLink } from "../../lab/slow-link.ts";
import { ensureEngine } from "../engine/engine.ts";
import { engineEnvironment } from "../engine/environment.ts";
import type { Surroundings } from "../main.ts";
import { describeCommit, describeMachine } from "../measured-on.ts";
import { requireRoot } from "../start/root.ts";
import { measureBreakdown } from "./breakdown.ts";
import { growthSizes, measureGrowth } from "./growth.ts";
import { Hosts } from "./hosts.ts";
import type { Breakdown, Growth, Result } from "./measurement.ts";
import type { Options } from "./options.ts";
import type { Bench, Peer } from "./peer.ts";
import { peers as allPeers } from "./peers.ts";
import { plan } from "./plan.ts";
import { Runner } from "./runner.ts";

/** How often a point of the growth is measured unless told otherwise. */
const growthRepeats = 2;

/** Carries out what was asked for. `keep` gets the result so far after every turn of a peer, so that an interrupted run has not been in vain. */
export async function measure(
  surroundings: Surroundings,
  options: Options,
  keep: (result: Result) => Promise<void>,
): Promise<Result> {
  requireRoot(process.geteuid?.());
  const bench = await setUp(surroundings, options.name);
  // Two benchmarks on one lab would undo each other's work, and end each other's processes.
  return withLock(
    join(bench.folder, "lock"),
    (line) => surroundings.reporter.line(line),
    () => measureAlone(bench, options, keep),
  );
}

async function measureAlone(bench: Bench, options: Options, keep: (result: Result) => Promise<void>): Promise<Result> {
  const began = Date.now();
  const machine = await describeMachine();
  // What an interrupted run left.
  await stopSlowLink(bench.lab.name);
  await stopLightHosts(bench.lab.name);
  const { present, versions, missing } = await install(bench, options);
  const runner = new Runner(bench, options);
  const commit = await describeCommit(["infra", "lab", "scripts/bench"]);
  const parts: { breakdown?: Breakdown; growth?: Growth } = {};
  const result = (): Result => ({
    begun: new Date(began).toISOString(),
    commit,
    command: asCalled(bench.args),
    bounds: { limit: options.limit, budget: options.budget },
    machine,
    peers: Object.fromEntries(
      present.map(({ name, title, setup }) => [name, { title, setup, version: versions.get(name) ?? "" }]),
    ),
    missing,
    runs: [...runner.runs],
    skipped: [...runner.skipped],
    ...parts,
    took: (Date.now() - began) / 1000,
  });
  const cells = options.compare ? plan(options) : [];
  const python = present.some((peer) => peer.python);
  const baseline = cells.some(({ work }) => work === "baseline");
  if (python || baseline) bench.reporter.line(`making the hosts ready (package lists${python ? ", Python" : ""})`);
  await bench.hosts.prepare({ python, baseline });
  try {
    if (options.breakdown) parts.breakdown = await measureBreakdown(bench);
    if (options.breakdown) await keep(result());
    for (const cell of cells) await runner.cell(cell, present, () => keep(result()));
    const sizes = options.hosts ?? growthSizes;
    if (options.growth && sizes.length > 0) {
      await measureGrowth(bench, sizes, options.repeats ?? growthRepeats, async (growth) => {
        parts.growth = growth;
        await keep(result());
      });
    }
  } finally {
    const traces = present.flatMap((peer) => peer.traces);
    if (baseline) await bench.hosts.clean("baseline", traces);
    await bench.hosts.clean(1, traces);
  }
  await keep(result());
  return result();
}

async function setUp(surroundings: Surroundings, name: string): Promise<Bench> {
  const { env, reporter, signal } = surroundings;
  const home = { ...env, PULUMI_HOME: join(cacheFolder(env), "pulumi-home") };
  const engineEnv = engineEnvironment(await ensureEngine({ env: home, reporter, signal }), home);
  const lab = await upLab({ name, signal, progress: (line) => reporter.line(line) });
  const folder = join(runFolder(lab.name), "bench");
  await mkdir(folder, { recursive: true });
  return { ...surroundings, lab, hosts: new Hosts(lab), folder, engineEnv };
}

/** The chosen peers that could be had, with their versions, and why others could not. */
async function install(bench: Bench, options: Options) {
  const chosen = options.compare
    ? allPeers.filter(({ name }) => options.peers === undefined || options.peers.includes(name))
    : [];
  const present: Peer[] = [];
  const versions = new Map<string, string>();
  const missing: Record<string, string> = {};
  for (const peer of chosen) {
    const installed = await peer.install(bench).catch((error: unknown) => {
      bench.signal.throwIfAborted();
      return { missing: error instanceof Error ? error.message : String(error) };
    });
    if ("missing" in installed) {
      missing[peer.title] = installed.missing;
      bench.reporter.line(`${peer.title} is left out: ${installed.missing}`);
    } else {
      present.push(peer);
      versions.set(peer.name, installed.version);
    }
  }
  return { present, versions, missing };
}

/** The call as it stands on the page: without the file for its result, which is this machine's affair. */
export function asCalled(args: readonly string[]): string {
  const told = args.filter(
    (word, index) => word !== "--json" && args[index - 1] !== "--json" && !word.startsWith("--json="),
  );
  return ["npm run bench", ...(told.length > 0 ? ["--"] : []), ...told].join(" ");
}
