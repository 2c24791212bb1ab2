import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { ControlGroup, machineCpuSeconds } from "./control-group.ts";
import type { Bench, Call } from "./peer.ts";
import { Traffic } from "./traffic.ts";

/** What one call took. */
export interface Measured {
  /** Wall time from start to end of the command. */
  readonly seconds: number;
  /** CPU seconds of all processes of the peer, those it left in the background until then included. */
  readonly cpu: number;
  /** CPU seconds of the three hosts together. */
  readonly hostCpu: number;
  /** The highest sum of the proportional set sizes of all its processes that was met, in bytes. */
  readonly memory: number;
  /** The same without Pulumi's engine and its language host: for a peer that is not Pulumi, all. */
  readonly ownMemory: number;
  /** Highest number of its processes at once. */
  readonly processes: number;
  /** For one host, the mean of all: IP bytes there and back, connections that were opened. */
  readonly bytesToHost: number;
  readonly bytesFromHost: number;
  readonly connections: number;
  /** Of the host with the most; only over a slow line. */
  readonly roundTrips?: number;
}

export type Ran =
  | { readonly ended: "well"; readonly measured: Measured; readonly output: string }
  | { readonly ended: "failed"; readonly why: string; readonly measured: Measured }
  | { readonly ended: "too long"; readonly seconds: number };

/** Milliseconds between two looks at the memory. */
const sampling = 200;

/**
 * Runs a call and measures it. What it leaves in the background, such as the masters of ssh, is ended afterwards, so that each run
 * begins without an open connection.
 *
 * @param limit Seconds after which it is ended.
 */
export async function measuredRun(bench: Bench, call: Call, limit: number, slow: boolean): Promise<Ran> {
  const group = await ControlGroup.create(bench.lab.name);
  const names = bench.hosts.servers.map(({ name }) => name);
  const traffic = await Traffic.begin(bench.lab, slow);
  try {
    const hostsBefore = await machineCpuSeconds(bench.lab.name, names);
    const memory = watchMemory(group);
    const began = performance.now();
    const ran = await toItsEnd(bench, call, group, limit).finally(() => memory.stop());
    const seconds = (performance.now() - began) / 1000;
    if (seconds >= limit) return { ended: "too long", seconds: limit };
    const measured: Measured = {
      seconds,
      cpu: await group.cpuSeconds(),
      hostCpu: (await machineCpuSeconds(bench.lab.name, names)) - hostsBefore,
      memory: memory.peak(),
      ownMemory: memory.ownPeak(),
      processes: memory.most(),
      ...(await traffic.end()),
    };
    const output = await readFile(ran.log, "utf8");
    if (ran.code !== 0) return { ended: "failed", why: lastLines(output, ran.code), measured };
    return { ended: "well", measured, output };
  } finally {
    await traffic.remove();
    await group.remove();
  }
}

/**
 * The end of the command itself counts, and not that of what it left in the background; so its output goes to a file, for a pipe would
 * stay open until the last of them has ended.
 */
async function toItsEnd(bench: Bench, call: Call, group: ControlGroup, limit: number) {
  const log = join(bench.folder, "output.log");
  const output = openSync(log, "w", 0o600);
  const [program, ...args] = group.enclosed(call.words);
  try {
    const child = spawn(program, args, {
      env: call.env,
      cwd: call.cwd,
      stdio: ["ignore", output, output],
      detached: true, // Ctrl-C is ours to hand on
    });
    const kill = () => void group.kill();
    const timer = setTimeout(kill, limit * 1000);
    bench.signal.addEventListener("abort", kill);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", resolve);
    }).finally(() => {
      clearTimeout(timer);
      bench.signal.removeEventListener("abort", kill);
    });
    bench.signal.throwIfAborted();
    return { code, log };
  } finally {
    closeSync(output);
  }
}

function lastLines(output: string, code: number | null): string {
  const lines = stripVTControlCharacters(output).trim().split("\n").slice(-8);
  return `${lines.join("\n")} (${code === null ? "ended by a signal" : `exit ${code}`})`;
}

/** Adds up the proportional set sizes of a group's processes again and again, so that what they share counts once. */
function watchMemory(group: ControlGroup) {
  let [peak, ownPeak, most, stopped] = [0, 0, 0, false];
  let timer: NodeJS.Timeout | undefined;
  const look = async () => {
    const sizes = await Promise.all((await group.pids()).map(sizeOf));
    const sum = (some: readonly Size[]) => some.reduce((total, { bytes }) => total + bytes, 0);
    peak = Math.max(peak, sum(sizes));
    ownPeak = Math.max(ownPeak, sum(sizes.filter(({ program }) => !program.startsWith("pulumi"))));
    most = Math.max(most, sizes.length);
    if (!stopped) timer = setTimeout(() => void look(), sampling);
  };
  void look();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
    peak: () => peak,
    ownPeak: () => ownPeak,
    most: () => most,
  };
}

interface Size {
  readonly bytes: number;
  /** Name of the program, at most 15 characters. */
  readonly program: string;
}

/** Proportional set size of one process by proc(5), smaps_rollup; 0 when it has ended. */
async function sizeOf(pid: number): Promise<Size> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
  const program = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
  return { bytes: Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1024, program: program.trim() };
}
