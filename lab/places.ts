import { homedir } from "node:os";
import { join } from "node:path";
import { LabError } from "./lab-error.ts";

/** Folder of the tools cache: `$ONPREM_CACHE`, else `$XDG_CACHE_HOME/onprem`, else `~/.cache/onprem`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.ONPREM_CACHE || join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "onprem");
}

/** Where the labs of this cache keep what they share: root file systems and packages. */
export function labFolder(): string {
  const folder = join(cacheFolder(), "lab");
  // mount(8) and systemd-nspawn read these in a path as separators.
  if (!/[:,\\\s]/.test(folder)) return folder;
  throw new LabError(
    `the lab cannot work in ${folder}`,
    "its path holds a colon, a comma, a backslash or a blank",
    "set ONPREM_CACHE to a folder without them",
  );
}

/** Folder of one lab. `identity/` in it (keys, subnet) outlives the lab; the rest lives from `up` to `down`. */
export function runFolder(lab: string): string {
  return join(labFolder(), "run", lab);
}

/** Machine-wide notes, so that two caches never run a lab of one name: who runs which lab, and the locks. */
export const registryFolder = "/run/onprem-lab";

/** Files and folders of one machine of a lab. */
export function machinePlaces(lab: string, machine: string) {
  const folder = join(runFolder(lab), "machines", machine);
  return {
    folder,
    /** What the machine changed on top of its root file system: deleting it is a reset. */
    upper: join(folder, "upper"),
    work: join(folder, "work"),
    root: join(folder, "root"),
    /** `/var/lib/docker`: overlay does not stack on overlay, so this is a folder of a real disk. */
    docker: join(folder, "docker"),
    /** The layers below `upper`. Written last when a disk is made: a restart then is a power cycle and rewrites nothing. */
    prepared: join(folder, "prepared"),
    /** What a virtual machine was made as; only virtual machines have it. */
    virtual: join(folder, "virtual.json"),
    image: join(folder, "disk.img"),
    process: join(folder, "process.json"),
    console: join(folder, "console.log"),
    /** SSH host keys; they outlive a reset, so that a pinned key stays right. */
    hostKeys: join(runFolder(lab), "identity", machine),
  } as const;
}
