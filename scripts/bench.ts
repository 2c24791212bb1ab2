import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defaultLab, upLab } from "../lab/lab.ts";
import { cacheFolder, runFolder } from "../lab/places.ts";
import { stopSlowLink } from "../lab/slow-link.ts";
import { Hosts } from "./bench/hosts.ts";
import { describeMachine } from "./bench/machine.ts";
import type { Result } from "./bench/measurement.ts";
import { type Options, readOptions } from "./bench/options.ts";
import type { Bench, Peer } from "./bench/peer.ts";
import { peers as allPeers } from "./bench/peers.ts";
import { plan } from "./bench/plan.ts";
import { Runner } from "./bench/runner.ts";
import { finish } from "./command.ts";
import { ensureEngine } from "./engine/engine.ts";
import { engineEnvironment, projectFolder } from "./engine/environment.ts";
import { runMain, type Surroundings } from "./main.ts";
import { describeSeconds } from "./reporter.ts";
import { requireRoot } from "./start/root.ts";

const usage = `Usage: npm run bench [-- OPTIONS]

x
`;

await runMain(usage, async (surroundings) => {
  const options = readOptions(
    surroundings.args,
    allPeers.map(({ name }) => name),
    defaultLab,
  );
  for (const problem of options.problems) surroundings.reporter.line(problem);
  const result = await measure(surroundings, options);
  const file = options.json ?? join(cacheFolder(surroundings.env), "bench", "last.json");
  await mkdir(join(file, ".."), { recursive: true });
  await writeFile(file, JSON.stringify(result, null, 1));
  surroundings.reporter.line(`took ${describeSeconds(result.took)}; ${file}`);
  return options.problems.length > 0 || Object.keys(result.missing).length > 0 ? 2 : 0;
});

async function measure(surroundings: Surroundings, options: Options): Promise<Result> {
  requireRoot(process.geteuid?.());
  const began = Date.now();
  const { env, reporter, signal } = surroundings;
  const machine = await describeMachine();
  const home = { ...env, PULUMI_HOME: join(cacheFolder(env), "pulumi-home") };
  const engineEnv = engineEnvironment(await ensureEngine({ env: home, reporter, signal }), home);
  const lab = await upLab({ name: options.name, signal, progress: (line) => reporter.line(line) });
  await stopSlowLink(lab.name);
  const folder = join(runFolder(lab.name), "bench");
  await mkdir(folder, { recursive: true });
  const bench: Bench = { ...surroundings, lab, hosts: new Hosts(lab), folder, engineEnv };
  await bench.hosts.prepare();
  const { present, versions, missing } = await install(bench, options);
  const runner = new Runner(bench, options);
  if (options.compare) for (const cell of plan(options)) await runner.cell(cell, present);
  const commit = (await finish(["git", "-C", projectFolder, "rev-parse", "--short", "HEAD"])).stdout.trim();
  return {
    begun: new Date(began).toISOString(),
    commit,
    command: `npm run bench${surroundings.args.length > 0 ? " -- " : ""}${surroundings.args.join(" ")}`,
    machine,
    peers: Object.fromEntries(
      present.map(({ name, title, setup }) => [name, { title, setup, version: versions.get(name) ?? "" }]),
    ),
    missing,
    runs: runner.runs,
    skipped: runner.skipped,
    took: (Date.now() - began) / 1000,
  };
}

async function install(bench: Bench, options: Options) {
  const chosen = allPeers.filter(({ name }) => options.peers === undefined || options.peers.includes(name));
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
