import { readFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem } from "node:os";
import { finish } from "./command.ts";
import { projectFolder } from "./engine/environment.ts";

/** What something was measured on. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  readonly kernel: string;
  readonly system: string;
  readonly node: string;
  /** Load average over one minute when the measurement began. */
  readonly load: number;
}

/** This machine. */
export async function describeMachine(): Promise<Machine> {
  const system = /^PRETTY_NAME="(.*)"$/m.exec(await readFile("/etc/os-release", "utf8").catch(() => ""))?.[1];
  return {
    processor: cpus()[0]?.model ?? "unknown processor",
    cores: cpus().length,
    memory: totalmem(),
    kernel: release(),
    system: system ?? "unknown system",
    node: process.version,
    load: loadavg()[0] ?? 0,
  };
}

/** The commit that is measured, with a word where the files in these folders differ from it. */
export async function describeCommit(folders: readonly string[]): Promise<string> {
  const git = async (...words: string[]) => {
    const ran = await finish(["git", "-C", projectFolder, ...words]).catch(() => undefined);
    return ran?.code === 0 ? ran.stdout.trim() : "";
  };
  const commit = (await git("rev-parse", "--short", "HEAD")) || "unknown";
  return (await git("status", "--porcelain", "--", ...folders)) === "" ? commit : `${commit} with changes`;
}

/** A sentence about a machine, as the measured pages have it. */
export function machineInWords({ processor, cores, memory, system, kernel, node, load }: Machine): string {
  const gibibytes = Math.round(memory / 2 ** 30);
  return `${processor} with ${cores} cores and ${gibibytes} GiB, ${system}, Linux ${kernel}, Node ${node.replace("v", "")}, load average ${load.toFixed(1)} at the start`;
}
