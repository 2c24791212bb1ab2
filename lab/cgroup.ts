import { readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LabError } from "./lab-error.ts";
import { identify, type ProcessIdentity, signalProcess, waitUntil } from "./process.ts";

const mount = "/sys/fs/cgroup";

/**
 * All control groups that `matches` accepts by their name, in every hierarchy of cgroup v1 and v2. They are looked for by name, so
 * that those of a run that died before it could record anything are found too.
 */
export async function findGroups(matches: (name: string) => boolean, below = mount): Promise<string[]> {
  const entries = await readdir(below, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => {
        const path = join(below, entry.name);
        if (matches(entry.name)) return [path];
        // Below another machine's group there is only that machine's own tree.
        return entry.name.startsWith("onprem") ? [] : findGroups(matches, path);
      }),
  );
  return found.flat();
}

/** Every process in a group and the groups below it. */
export async function processesOf(group: string): Promise<ProcessIdentity[]> {
  const listed = await readFile(join(group, "cgroup.procs"), "utf8").catch(() => "");
  const own = await Promise.all(listed.split("\n").filter(Boolean).map(Number).map(identify));
  const below = await Promise.all((await foldersIn(group)).map(processesOf));
  return [...own.filter((who) => who !== undefined), ...below.flat()];
}

/** The process in a group that is PID 1 of a machine: the one whose innermost PID is 1 and which has exactly one PID more outside. */
export async function leaderIn(group: string): Promise<ProcessIdentity | undefined> {
  for (const who of await processesOf(group)) {
    const status = await readFile(`/proc/${who.pid}/status`, "utf8").catch(() => "");
    const pids = /^NSpid:\s+(.*)$/m.exec(status)?.[1]?.split("\t");
    if (pids?.length === 2 && pids[1] === "1") return who;
  }
  return undefined;
}

/** Kill what is in the groups, wait until it is gone, and remove the groups. */
export async function removeGroups(groups: readonly string[]): Promise<void> {
  await Promise.all(groups.map((group) => writeFile(join(group, "cgroup.kill"), "1").catch(() => undefined)));
  const emptied = await waitUntil(async () => {
    const left = (await Promise.all(groups.map(processesOf))).flat();
    await Promise.all(left.map((who) => signalProcess(who, "SIGKILL")));
    return left.length === 0;
  }, 10_000);
  if (!emptied) throw new LabError("processes of a lab do not end", `they are listed in ${groups.join(", ")}`);
  for (const group of groups) await removeTree(group);
}

async function removeTree(group: string): Promise<void> {
  for (const below of await foldersIn(group)) await removeTree(below);
  // A group stays busy for a moment after its last process was reaped.
  await waitUntil(
    () =>
      rmdir(group).then(
        () => true,
        (error: NodeJS.ErrnoException) => error.code === "ENOENT",
      ),
    5_000,
  );
}

async function foldersIn(group: string): Promise<string[]> {
  const entries = await readdir(group, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(group, entry.name));
}
