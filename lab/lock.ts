import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { Progress } from "./status.ts";

/**
 * Takes the lock, again if its file was removed while it waited: a lock on a removed file keeps nobody out. `cat` then keeps it until
 * its standard input, our pipe, closes.
 */
const hold = `
  while exec 9>>"$1" && flock --exclusive 9; do
    if [ "$1" -ef /proc/self/fd/9 ]; then echo locked; exec cat; fi
  done
  exit 1
`;

/**
 * Run `work` while holding an exclusive lock on `file`. The kernel holds the lock for flock(1), which ends when this process ends in
 * any way, so a killed run never leaves a stale lock. Says so when it has to wait.
 * Who holds the lock may remove the file.
 */
export async function withLock<T>(file: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  const holder = spawn("sh", ["-c", hold, "lock", file], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true, // Ctrl-C must not free the lock before the work has cleaned up
  });
  const waiting = setTimeout(() => progress(`waiting for another run that holds ${file}`), 1000);
  try {
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once("data", () => resolve());
      holder.once("error", reject);
      holder.once("exit", (code) => reject(new Error(`the lock ${file} could not be taken: exit code ${code}`)));
    });
    clearTimeout(waiting);
    return await work();
  } finally {
    clearTimeout(waiting);
    holder.removeAllListeners("exit");
    const gone = new Promise((resolve) => holder.once("exit", resolve));
    holder.stdin.end();
    if (holder.exitCode === null && holder.pid !== undefined) await gone;
  }
}
