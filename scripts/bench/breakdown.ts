import { finish, lastWords, type Words } from "../command.ts";
import { ScriptError } from "../script-error.ts";
import { connectionCosts, roundTripCosts } from "./connection-costs.ts";
import { measuredRun } from "./measured-run.ts";
import type { Breakdown } from "./measurement.ts";
import { median, type Part, repeated, repeats } from "./parts.ts";
import type { Bench, Call } from "./peer.ts";
import { floor } from "./peers/floor.ts";
import { onpremFile } from "./peers/onprem.ts";
import { programStarts } from "./program-starts.ts";
import { type Arrived, type Timeline, timelineOf } from "./timeline.ts";

const files = 20;

/** Seconds that any part may take. */
const patience = 300;

/** Where the time of an unchanged run goes: the whole by the engine's own events, and its pieces one by one. */
export async function measureBreakdown(bench: Bench): Promise<Breakdown> {
  bench.reporter.line("taking an unchanged run apart");
  const call = await settled(bench);
  const runs: { whole: number; timeline: Timeline }[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) runs.push(await timed(bench, call));
  const floorCall = await floor.prepare(bench, files, "original");
  const parts: Part[] = [
    ...stages(runs.map(({ timeline }) => timeline)),
    await hostSide(bench, call),
    ...(await programStarts(bench, floorCall)),
    ...(await connectionCosts(bench)),
  ];
  return { parts, files, whole: median(runs.map(({ whole }) => whole)), roundTrips: await roundTripCosts(bench) };
}

async function settled(bench: Bench): Promise<Call> {
  const { hosts } = bench;
  await hosts.clean(files);
  await onpremFile.state?.forget(bench, files);
  const call = await onpremFile.prepare(bench, files, "original");
  const ran = await measuredRun(bench, call, patience, false);
  if (ran.ended === "well") return call;
  throw new ScriptError("the run to take apart did not succeed", ran.ended === "failed" ? ran.why : "it took too long");
}

/** One run with the engine's events; they are written when something happens, so their arrival is the clock. */
async function timed(bench: Bench, call: Call): Promise<{ whole: number; timeline: Timeline }> {
  const arrived: Arrived[] = [];
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  const ran = await finish([...call.words, "--json"] as unknown as Words, {
    env: call.env,
    cwd: call.cwd,
    signal: bench.signal,
    onLine: (line, stream) => {
      if (stream === "stdout") arrived.push({ at: elapsed(), line });
    },
  });
  const whole = elapsed();
  const timeline = ran.code === 0 ? timelineOf(arrived, whole) : undefined;
  if (timeline !== undefined) return { whole, timeline };
  throw new ScriptError("the run to take apart did not show its events", lastWords(ran));
}

function stages(timelines: readonly Timeline[]): Part[] {
  const how = "events of the engine in the whole run";
  const names: Record<keyof Timeline, string> = {
    begin: "1. the engine starts and reads project and state",
    plugins: "2. the plugins start, until the first look",
    looks: "3. connecting and looking at every resource",
    program: "4. the program starts, until its first resource",
    steps: "5. the program's resources are compared",
    end: "6. the last state is written, and everything ends",
  };
  return (Object.keys(names) as (keyof Timeline)[]).map((key) => ({
    name: names[key],
    how,
    seconds: median(timelines.map((timeline) => timeline[key])),
  }));
}

async function hostSide(bench: Bench, call: Call): Promise<Part> {
  const seconds = await repeated(async () => {
    const ran = await measuredRun(bench, call, patience, false);
    if (ran.ended !== "well") {
      throw new ScriptError(
        "the run to take apart did not succeed",
        ran.ended === "failed" ? ran.why : "it took too long",
      );
    }
    return ran.measured.hostCpu / bench.hosts.servers.length;
  });
  return { name: "CPU of one host in the whole run", how: "its control group: sshd, sudo, our program", seconds };
}
