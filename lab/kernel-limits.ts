import { readFile, writeFile } from "node:fs/promises";
import type { Progress } from "./status.ts";

const file = "/proc/sys/fs/inotify/max_user_instances";

/** Enough for some fifty labs: a booted machine of a lab holds about five, and all of them count as root's. */
const wanted = 2048;

/**
 * Raise the kernel's limit of inotify instances (inotify(7)), which is 128 where nobody has changed it: with six labs up systemd could
 * not start in a seventh. It is the one setting of this machine that a lab changes and leaves changed; it says so.
 */
export async function raiseInotifyLimit(progress: Progress): Promise<void> {
  const limit = Number(await readFile(file, "utf8").catch(() => wanted));
  if (limit >= wanted) return;
  try {
    await writeFile(file, String(wanted));
    progress(`raised fs.inotify.max_user_instances of this machine from ${limit} to ${wanted}, enough for many labs`);
  } catch {
    progress(`fs.inotify.max_user_instances is ${limit} and cannot be raised here: few labs can be up at once`);
  }
}
