import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { finish } from "../command.ts";
import { projectFolder } from "../engine/environment.ts";

/** When, from what and on what something was measured. */
export interface Setting {
  /** `2026-11-27`, UTC. */
  readonly date: string;
  /** The commit, with `+` where files differ from it. */
  readonly commit: string;
  /** `2 x AMD EPYC, 23 GiB`. */
  readonly machine: string;
  /** `Debian GNU/Linux 12 (bookworm), Linux 6.18.1`. */
  readonly system: string;
}

/** Read it from this machine and this checkout. */
export async function readSetting(now: Date): Promise<Setting> {
  const git = async (...words: string[]) =>
    (await finish(["git", "-C", projectFolder, ...words]).catch(() => ({ stdout: "" }))).stdout.trim();
  const commit = (await git("rev-parse", "--short", "HEAD")) || "unknown";
  const changed = await git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs");
  return {
    date: now.toISOString().slice(0, 10),
    commit: `${commit}${changed === "" ? "" : "+"}`,
    machine: `${cpus().length} x ${cpus()[0]?.model ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${systemName()}, Linux ${readFileSync("/proc/sys/kernel/osrelease", "utf8").trim()}`,
  };
}

function systemName(): string {
  const text = readFileSync("/etc/os-release", "utf8");
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? "unknown system";
}
