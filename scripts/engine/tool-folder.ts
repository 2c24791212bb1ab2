import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { takeLock } from "../launch/pid-lock.mjs";

/** The file in a tool's folder that says where the tool came from. */
const originFile = "origin.json";

/** How a tool got into the cache. */
export type Origin = "vendor's installer" | "built from pinned Go modules";

/** Where the tool in `folder` came from; `undefined` where there is none. A folder under its final name is always complete. */
export async function readOrigin(folder: string): Promise<Origin | undefined> {
  try {
    return (JSON.parse(await readFile(join(folder, originFile), "utf8")) as { from: Origin }).from;
  } catch {
    return undefined; // absent, or put there by something else: then it is made anew
  }
}

/**
 * Put a tool into `folder`, which every clone on this machine shares: `fill` writes into a folder beside it, which then takes its name
 * in one step. One process at a time; another one waits, and then finds the tool there. An interrupt leaves nothing, and what a killed
 * run left is removed by the next.
 */
export async function installTool(
  folder: string,
  fill: (folder: string) => Promise<Origin>,
  options: { readonly onWait: (holder: number) => void; readonly signal?: AbortSignal },
): Promise<Origin> {
  await mkdir(dirname(folder), { recursive: true });
  const release = await takeLock(`${folder}.lock`, options.onWait, options.signal);
  const draft = `${folder}.draft-${process.pid}`;
  try {
    const there = await readOrigin(folder);
    if (there !== undefined) return there;
    await removeDrafts(folder);
    await mkdir(draft);
    const from = await fill(draft);
    await writeFile(join(draft, originFile), `${JSON.stringify({ from })}\n`);
    await rm(folder, { recursive: true, force: true });
    await rename(draft, folder);
    return from;
  } finally {
    await rm(draft, { recursive: true, force: true });
    release();
  }
}

async function removeDrafts(folder: string): Promise<void> {
  const names = await readdir(dirname(folder));
  for (const name of names.filter((name) => name.startsWith(`${basename(folder)}.draft-`))) {
    await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}
