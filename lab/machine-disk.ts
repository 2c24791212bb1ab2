import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { AddressPlan } from "./address-plan.ts";
import { run } from "./command.ts";
import type { Container, Guest } from "./machine.ts";
import { machineFiles } from "./machine-files.ts";
import { machinePlaces } from "./places.ts";
import { loginUser } from "./recipe.ts";
import { lowerFolders, mountOverlay, writeFiles } from "./rootfs.ts";
import { vendorUnits } from "./vendor.ts";

/** Make SSH host keys for a machine that has none yet. */
export async function ensureHostKeys(lab: string, machine: string): Promise<void> {
  const { hostKeys } = machinePlaces(lab, machine);
  const keys = join(hostKeys, "etc/ssh");
  await mkdir(keys, { recursive: true, mode: 0o700 });
  // Ends with this process: left alone it could put other keys in place of those that a next run has copied already.
  await run(["setpriv", "--pdeathsig", "KILL", "ssh-keygen", "-q", "-A", "-f", hostKeys]);
}

/** The public ed25519 host key: type and key, without a comment; empty before the first `up`. */
export async function readHostKey(lab: string, machine: string): Promise<string> {
  const file = join(machinePlaces(lab, machine).hostKeys, "etc/ssh/ssh_host_ed25519_key.pub");
  return (await readFile(file, "utf8").catch(() => "")).split(" ").slice(0, 2).join(" ");
}

/**
 * Mount a machine's root file system. A machine without a disk gets a fresh one; one that has a disk keeps it as it is, and so
 * boots as after a power cut.
 */
export async function mountDisk(lab: string, plan: AddressPlan, machine: Container, publicKey: string): Promise<void> {
  const places = machinePlaces(lab, machine.name);
  // A disk fits only the file system that it was begun on, which that of a newer recipe is not.
  const begun = await readFile(places.prepared, "utf8").catch(() => undefined);
  const lower = begun ?? lowerFolders(machine.recipe);
  if (begun === undefined) await rm(places.folder, { recursive: true, force: true });
  for (const part of [places.upper, places.work, places.root, places.docker]) await mkdir(part, { recursive: true });
  await mountOverlay(lower, places.upper, places.work, places.root);
  if (begun !== undefined) return;
  await ensureHostKeys(lab, machine.name);
  await fillDisk(plan, machine, publicKey, places);
  await writeFile(places.prepared, lower);
}

/** Write into a mounted fresh root file system what makes it this machine of this lab. */
export async function fillDisk(
  plan: AddressPlan,
  machine: Guest,
  publicKey: string,
  { root, hostKeys }: ReturnType<typeof machinePlaces>,
): Promise<void> {
  const baseSources = await readFile(join(root, "etc/apt/sources.list"), "utf8");
  await writeFiles(root, machineFiles(plan, machine, publicKey, baseSources));
  for (const key of await readdir(join(hostKeys, "etc/ssh"))) {
    await copyFile(join(hostKeys, "etc/ssh", key), join(root, "etc/ssh", key));
  }
  for (const [link, target] of machine.name === "vendor" ? Object.entries(vendorUnits) : []) {
    await mkdir(dirname(join(root, link)), { recursive: true });
    await run(["ln", "-sfn", target, join(root, link)]);
  }
  const home = `/home/${loginUser}/.ssh`;
  await run(["chroot", root, "chmod", "700", "/root/.ssh", home]);
  await run(["chroot", root, "chown", "-R", `${loginUser}:${loginUser}`, home]);
}
