import { readFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem } from "node:os";
import type { Machine } from "./measurement.ts";

/** What the benchmark runs on. */
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
