import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { findGroups, processesOf, removeGroups } from "../../lab/cgroup.ts";
import { groupName } from "../../lab/machine.ts";
import { signalProcess } from "../../lab/process.ts";

const mount = "/sys/fs/cgroup";

/**
 * Where CPU time is accounted: the hierarchy cpuacct of cgroup v1, else the one of v2. Groups are made below this process's own, so
 * that whatever accounts for it goes on accounting for what it starts.
 */
export function accounting(ownGroups: string, exists: (path: string) => boolean = existsSync): string {
  for (const line of ownGroups.split("\n")) {
    const [, controllers = "", ...rest] = line.split(":");
    const path = rest.join(":");
    if (controllers.split(",").includes("cpuacct")) return join(mount, controllers, path);
  }
  const unified = /^0::(.*)$/m.exec(ownGroups)?.[1] ?? "/";
  return join(exists(join(mount, "unified")) ? join(mount, "unified") : mount, unified);
}

/** A group of processes whose CPU time is counted together, those included that detach themselves. */
export class ControlGroup {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** An empty group; what an interrupted run left in it is ended. Its name makes `lab down` find it too. */
  static async create(lab: string): Promise<ControlGroup> {
    const name = groupName(lab, "bench");
    await removeGroups(await findGroups((group) => group === name));
    const path = join(accounting(await readFile("/proc/self/cgroup", "utf8")), name);
    await mkdir(path);
    return new ControlGroup(path);
  }

  /** Words that run a command inside. */
  enclosed(words: readonly string[]): [string, ...string[]] {
    return ["/bin/sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', this.path, ...words];
  }

  /** PIDs of the processes inside. */
  async pids(): Promise<number[]> {
    return (await processesOf(this.path)).map(({ pid }) => pid);
  }

  /** CPU seconds so far. */
  cpuSeconds(): Promise<number> {
    return cpuSeconds(this.path);
  }

  /** Ends what is inside now. */
  async kill(): Promise<void> {
    for (const who of await processesOf(this.path)) await signalProcess(who, "SIGKILL");
  }

  /** Ends what is inside and removes it. */
  async remove(): Promise<void> {
    await removeGroups([this.path]);
  }
}

/** CPU seconds of the groups of some machines of a lab, in all. */
export async function machineCpuSeconds(lab: string, machines: readonly string[]): Promise<number> {
  const names = new Set(machines.map((machine) => groupName(lab, machine)));
  const groups = await findGroups((group) => names.has(group));
  const v1 = groups.filter((group) => group.includes("/cpuacct"));
  const seconds = await Promise.all((v1.length > 0 ? v1 : groups).map(cpuSeconds));
  return seconds.reduce((sum, one) => sum + one, 0);
}

/** A group's CPU seconds by cgroup v1 (nanoseconds) or v2 (microseconds); 0 where it is not accounted. */
async function cpuSeconds(group: string): Promise<number> {
  const v1 = await readFile(join(group, "cpuacct.usage"), "utf8").catch(() => undefined);
  if (v1 !== undefined) return Number(v1) / 1e9;
  const v2 = await readFile(join(group, "cpu.stat"), "utf8").catch(() => "");
  return Number(/^usage_usec (\d+)$/m.exec(v2)?.[1] ?? 0) / 1e6;
}
