import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * What the engine printed without its own dump: from -v=9 on it writes every property that it sends or takes, secrets in
 * the plain, to the program as well as to plugins, so no plugin can keep it from that. All else must be clean, our plugins'
 * own lines included (--logflow).
 */
export function withoutEnginesDump(output: string): string {
  return output
    .split("\n")
    .filter((line) => !/(Unm|M)arshaling property for RPC\[/.test(line))
    .join("\n");
}

/** Collects the command lines of all processes until stopped, ours and the hosts' (theirs are visible here too). */
export function watchCommandLines(): { stop(): Promise<string> } {
  const seen = new Set<string>();
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))) {
        seen.add(await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""));
      }
      await sleep(20);
    }
  })();
  return {
    async stop() {
      stopped = true;
      await watching;
      return [...seen].join("\n");
    },
  };
}
