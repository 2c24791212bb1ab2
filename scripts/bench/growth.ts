import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type LightHost, startLightHosts, stopLightHosts } from "../../lab/light-hosts.ts";
import { ScriptError } from "../script-error.ts";
import { type Measured, measuredRun } from "./measured-run.ts";
import type { Growth, GrowthPoint } from "./measurement.ts";
import type { Program } from "./onprem-project/index.ts";
import type { Bench, Call } from "./peer.ts";
import { loginTo, onpremFolder } from "./peers/onprem.ts";
import { PulumiProject } from "./peers/pulumi-project.ts";
import { spread } from "./statistics.ts";
import { filesFolder, wantedFiles } from "./work.ts";

/** Numbers of hosts that are measured unless told otherwise. */
export const growthSizes = [1, 3, 10, 30] as const;

/** Files on each host. */
const files = 20;

/** Stacks that run at once: as many as keep two processors busy while some wait for the network. */
const parallel = 4;

/** Seconds that one run may take. */
const limit = 900;

/**
 * How an unchanged run grows with the hosts: all in one stack, and each in a stack of its own. All sizes and ways take turns in each
 * repeat, so that a slow minute of the machine meets them all.
 *
 * @param keep Gets what was measured so far after each run, so that it outlives an interruption.
 */
export async function measureGrowth(
  bench: Bench,
  sizes: readonly number[],
  repeats: number,
  keep: (growth: Growth) => Promise<void>,
): Promise<void> {
  const most = Math.max(...sizes);
  bench.reporter.line(`starting ${most} light hosts`);
  const hosts = await startLightHosts(bench.lab.name, most);
  const turns: Turn[] = [];
  try {
    const stacks = await Promise.all(hosts.map((host) => stackOf(bench, `growth-${host.name}`, [host])));
    bench.reporter.line(`bringing them to ${files} files each (a few minutes)`);
    await settle(bench, await together(bench, stacks));
    for (const size of sizes) {
      const inOne = await stackOf(bench, `growth-${size}-hosts`, hosts.slice(0, size));
      await settle(bench, inOne);
      turns.push({ hosts: size, way: "one stack", call: inOne, runs: [] });
      turns.push({ hosts: size, way: "a stack each", call: await together(bench, stacks.slice(0, size)), runs: [] });
    }
    for (let repeat = 1; repeat <= repeats; repeat++) {
      for (const turn of turns) {
        const measured = await once(bench, turn);
        turn.runs.push(measured);
        const what = `growth, ${named(turn)}, ${repeat} of ${repeats}`;
        bench.reporter.line(`${what}: ${measured.seconds.toFixed(1)} s`);
        await keep({ files, parallel, points: turns.flatMap(pointOf) });
      }
    }
  } finally {
    await stopLightHosts(bench.lab.name);
  }
}

/** One setting of the growth: how many hosts, in which way, and its runs so far. */
interface Turn extends Pick<GrowthPoint, "hosts" | "way"> {
  readonly call: Call;
  readonly runs: Measured[];
}

function named({ hosts, way }: Turn): string {
  return `${hosts} ${hosts === 1 ? "host" : "hosts"}, ${way}`;
}

function pointOf({ hosts, way, runs }: Turn): GrowthPoint[] {
  const [seconds, cpu, memory] = [
    spread(runs.map(({ seconds }) => seconds)),
    spread(runs.map(({ cpu }) => cpu)),
    spread(runs.map(({ memory }) => memory)),
  ];
  if (seconds === undefined || cpu === undefined || memory === undefined) return [];
  return [{ hosts, way, seconds, cpu: cpu.median, memory: memory.median }];
}

async function stackOf(bench: Bench, name: string, hosts: readonly LightHost[]): Promise<Call> {
  const program: Program = {
    servers: hosts.map(({ name, address, hostKey, privateKeyFile }) => loginTo(name, address, hostKey, privateKeyFile)),
    folder: filesFolder,
    as: "files",
    files: wantedFiles(files, "original"),
    baseline: bench.hosts.baseline("original"),
  };
  return new PulumiProject(name, onpremFolder, "bench-onprem").up(bench, files, program);
}

/** One call that makes several, some of them at once. */
async function together(bench: Bench, calls: readonly Call[]): Promise<Call> {
  const folder = join(bench.folder, `growth-scripts-${calls.length}`);
  await mkdir(folder, { recursive: true });
  const scripts = await Promise.all(
    calls.map(async ({ words, env, cwd }, index) => {
      const script = join(folder, `${index}.sh`);
      await writeFile(script, scriptOf(words, env, cwd), { mode: 0o700 });
      return script;
    }),
  );
  const words = ["xargs", "-P", String(parallel), "-n", "1", "sh"] as const;
  await writeFile(join(folder, "list"), scripts.join("\n"));
  return {
    words: ["sh", "-c", `exec ${words.join(" ")} < "$0"`, join(folder, "list")],
    env: bench.engineEnv,
    cwd: bench.folder,
  };
}

/** A shell script that makes a call with its own environment. */
export function scriptOf(words: readonly string[], env: NodeJS.ProcessEnv, cwd: string): string {
  const own = Object.entries(env).filter(([name]) => /^(PULUMI_|BENCH_)/.test(name));
  return [
    `cd ${quoted(cwd)}`,
    ...own.map(([name, value]) => `export ${name}=${quoted(value ?? "")}`),
    `exec ${words.map(quoted).join(" ")}`,
    "",
  ].join("\n");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The first run, which nobody measures. */
async function settle(bench: Bench, call: Call): Promise<void> {
  const ran = await measuredRun(bench, call, limit, false);
  if (ran.ended !== "well") {
    throw new ScriptError(
      "the light hosts could not be brought to the work",
      ran.ended === "failed" ? ran.why : `more than ${limit} s`,
    );
  }
}

async function once(bench: Bench, turn: Turn): Promise<Measured> {
  const ran = await measuredRun(bench, turn.call, limit, false);
  if (ran.ended !== "well") {
    const why = ran.ended === "failed" ? ran.why : `more than ${limit} s`;
    throw new ScriptError(`${named(turn)}: a run did not end well`, why);
  }
  if (changed(ran.output)) throw new ScriptError(`${named(turn)}: a run with nothing to do changed something`);
  return ran.measured;
}

/** Whether the summary of `pulumi up` names a change: `    + 3 created`, `    ~ 1 updated`, `    +-1 replaced`. */
export function changed(output: string): boolean {
  return /^\s+[-+~]+ ?\d+ (created|updated|deleted|replaced)/m.test(output);
}
