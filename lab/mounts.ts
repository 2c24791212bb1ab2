import { readFile } from "node:fs/promises";
import { run } from "./command.ts";
import { waitUntil } from "./process.ts";

/** Mount points in /proc/self/mountinfo that are a folder or below it, the latest first. Proc(5): blanks are written in octal. */
export function mountsBelow(mountinfo: string, folder: string): string[] {
  return mountinfo
    .split("\n")
    .map((line) =>
      (line.split(" ")[4] ?? "").replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8))),
    )
    .filter((point) => point === folder || point.startsWith(`${folder}/`))
    .reverse();
}

/** Unmount everything at or below a folder. */
export async function unmountBelow(folder: string): Promise<void> {
  for (const point of mountsBelow(await readFile("/proc/self/mountinfo", "utf8"), folder)) {
    const unmounted = () =>
      run(["umount", point]).then(
        () => true,
        () => false,
      );
    // Busy for a moment after its last process; then detach it, which frees it when the last file is closed.
    if (!(await waitUntil(unmounted, 2_000))) await run(["umount", "--lazy", point]);
  }
}
