import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { dial } from "../../infra/provider/host/dial.ts";
import type { ConnectionSettings } from "../../infra/provider/host/settings.ts";
import { connect } from "../../infra/provider/host/ssh-host.ts";
import { file } from "../../infra/provider/resources/file.ts";
import { resetSlowLink, slowLinkCounts, startSlowLink, stopSlowLink } from "../../lab/slow-link.ts";
import { finish, lastWords, type Words } from "../command.ts";
import { projectFolder } from "../engine/environment.ts";
import { ScriptError } from "../script-error.ts";
import { measuredRun } from "./measured-run.ts";
import type { Breakdown } from "./measurement.ts";
import type { Bench, Call } from "./peer.ts";
import { floor } from "./peers/floor.ts";
import { onpremFile } from "./peers/onprem.ts";
import { spread } from "./statistics.ts";
import { type Arrived, type Timeline, timelineOf } from "./timeline.ts";
import { filesFolder, wantedFiles } from "./work.ts";

const files = 20;
const manyFiles = 600;
const repeats = 5;
const quiet = { say: () => undefined };

/** Seconds that any part may take. */
const patience = 300;

type Part = Breakdown["parts"][number];

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
    ...(await programs(bench, floorCall)),
    ...(await connections(bench)),
  ];
  return { parts, files, whole: median(runs.map(({ whole }) => whole)), roundTrips: await roundTrips(bench) };
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
    return ran.ended === "too long" ? patience : ran.measured.hostCpu / bench.hosts.servers.length;
  });
  return { name: "CPU of one host in the whole run", how: "its control group: sshd, sudo, our program", seconds };
}

/** The starts of programs that are in the whole run, each alone. */
async function programs(bench: Bench, floorCall: Call): Promise<Part[]> {
  const node = (...words: string[]) =>
    clocked(bench, ["node", "--disable-warning=ExperimentalWarning", ...words], { cwd: projectFolder });
  const resources = ["provider", "file", "directory"].map((name) => `./infra/provider/resources/${name}.ts`);
  const imports = resources.map((path) => `await import("${path}")`).join(";");
  const plugin = `${projectFolder}/infra/provider/pulumi-resource-onprem`;
  return [
    await part("an empty program, the floor", "the whole of `pulumi up`", () =>
      clocked(bench, floorCall.words, { env: floorCall.env, cwd: floorCall.cwd }),
    ),
    await part("`pulumi version`", "the engine's start alone", () => clocked(bench, ["pulumi", "version"])),
    await part("Node starts", "`node -e 0`", () => node("-e", "0")),
    await part("Node with Pulumi's SDK", "`require` of it", () => node("-e", 'require("@pulumi/pulumi")')),
    await part("Node with our program's imports", "`import` of provider, file and directory", () =>
      node("--input-type=module", "-e", imports),
    ),
    await part("one plugin starts", "until it says its port", () => pluginStarts(bench, plugin, 1)),
    await part("three plugins start at once", "until the last says its port", () => pluginStarts(bench, plugin, 3)),
  ];
}

/** What happens between this machine and one host. */
async function connections(bench: Bench): Promise<Part[]> {
  const [server] = bench.hosts.servers;
  if (server === undefined) return [];
  const login: ConnectionSettings = {
    host: server.addresses.v4,
    user: "deploy",
    hostKey: server.hostKey,
    privateKeyFile: server.login.privateKeyFile,
  };
  const loggedIn = await part("TCP, key exchange and log-in, one host", "our own dialling, alone", async () => {
    const began = performance.now();
    const dialled = await dial(login, quiet);
    const seconds = (performance.now() - began) / 1000;
    dialled.end();
    return seconds;
  });
  const ready = await part("the same, with sudo and our program on the host", "our own connection, alone", async () => {
    const began = performance.now();
    const host = await connect(login, quiet);
    const seconds = (performance.now() - began) / 1000;
    await host.close();
    return seconds;
  });
  await bench.hosts.put(manyFiles, "original");
  const host = await connect(login, quiet);
  const look = (count: number) => async () => {
    const began = performance.now();
    const wanted = wantedFiles(count, "original");
    await Promise.all(wanted.map(({ name }) => file.observe(host, { path: `${filesFolder}/${name}` })));
    return (performance.now() - began) / 1000;
  };
  try {
    const how = "`observe` of `File` on one connected host, all at once";
    const few = await part(`looking at ${files} files`, how, look(files));
    const many = await part(`looking at ${manyFiles} files`, how, look(manyFiles));
    return [loggedIn, ready, few, many];
  } finally {
    await host.close();
    await bench.hosts.put(files, "original");
  }
}

/** Round trips of a log-in, and of a connection that is ready for looks, over a line of 80 ms. */
async function roundTrips(bench: Bench): Promise<{ login: number; ready: number }> {
  const [server] = bench.hosts.servers;
  if (server === undefined) throw new ScriptError("the lab has no server");
  const address = server.addresses.v4;
  const { name: lab } = bench.lab;
  const login = { host: address, user: "deploy", hostKey: server.hostKey, privateKeyFile: server.login.privateKeyFile };
  const counted = async () => (await slowLinkCounts(lab))[address]?.roundTrips ?? 0;
  await startSlowLink(lab, { delay: 80 });
  try {
    const dialled = await dial(login, quiet);
    const afterLogin = await counted();
    dialled.end();
    await new Promise((resolve) => setTimeout(resolve, 500)); // what is still on the line belongs to the log-in
    await resetSlowLink(lab);
    const host = await connect(login, quiet);
    const whenReady = await counted();
    await host.close();
    return { login: afterLogin, ready: whenReady };
  } finally {
    await stopSlowLink(lab);
  }
}

/** Seconds until so many plugins, started together, have all said their port. */
async function pluginStarts(bench: Bench, program: string, count: number): Promise<number> {
  const began = performance.now();
  const children = Array.from({ length: count }, () =>
    spawn(program, [], { env: bench.engineEnv, stdio: ["ignore", "pipe", "ignore"] }),
  );
  try {
    await Promise.all(
      children.map(
        ({ stdout }) =>
          new Promise((resolve, reject) => {
            const lines = createInterface({ input: stdout });
            lines.once("line", resolve);
            lines.once("close", () => reject(new ScriptError("the plugin ended before it said its port")));
          }),
      ),
    );
    return (performance.now() - began) / 1000;
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
}

/** Seconds of a command from its start to its end. */
async function clocked(bench: Bench, words: Words, options: { env?: NodeJS.ProcessEnv; cwd?: string } = {}) {
  const began = performance.now();
  const ran = await finish(words, { env: bench.engineEnv, signal: bench.signal, ...options });
  if (ran.code !== 0) throw new ScriptError(`${words[0]} failed while it was measured`, lastWords(ran));
  return (performance.now() - began) / 1000;
}

async function part(name: string, how: string, once: () => Promise<number>): Promise<Part> {
  return { name, how, seconds: await repeated(once) };
}

async function repeated(once: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) values.push(await once());
  return median(values);
}

function median(values: readonly number[]): number {
  return spread(values)?.median ?? 0;
}
