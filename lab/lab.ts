import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type AddressPlan, checkLabName, planAddresses, serverNames } from "./address-plan.ts";
import { findGroups, removeGroups } from "./cgroup.ts";
import { run } from "./command.ts";
import { describeLab } from "./describe.ts";
import { raiseInotifyLimit } from "./kernel-limits.ts";
import { LabError } from "./lab-error.ts";
import { withLock } from "./lock.ts";
import {
  type Container,
  clearMachine,
  containersOf,
  findRunning,
  groupName,
  powerOff,
  startMachine,
  waitForSsh,
} from "./machine.ts";
import { unmountBelow } from "./mounts.ts";
import { createNetwork, networkExists, networkTraces, removeNetwork, requireIpv6 } from "./network.ts";
import { startPackageProxy, stopPackageProxy } from "./package-proxy.ts";
import { machinePlaces, runFolder } from "./places.ts";
import { progressTo } from "./progress.ts";
import { vendorRecipe } from "./recipe.ts";
import { claimLab, labLock, recordedLabs, recordedNet, releaseLab, settleNet } from "./registry.ts";
import { ensureRequirements, labNeeds } from "./requirements.ts";
import { ensureBuilt, readBaseRecipe } from "./rootfs.ts";
import type { LabStatus, Progress, UpOptions } from "./status.ts";

export { LabError } from "./lab-error.ts";
export type * from "./status.ts";

/** The lab's name where none is given. */
export const defaultLab = "lab";

/** Longest wait for a booted machine's sshd, in milliseconds; it takes one to five seconds. */
const sshPatience = 60_000;

/**
 * Bring a lab up, or heal one that is up: whatever runs stays untouched, what is gone is started again with the disk it had.
 * Returns when every machine it started answers by SSH. Needs root. Throws {@link LabError}.
 */
export async function upLab(options: UpOptions = {}): Promise<LabStatus> {
  const lab = checkLabName(options.name ?? defaultLab);
  const progress = options.progress ?? progressTo();
  await ensureRequirements(labNeeds, progress);
  await requireIpv6();
  await raiseInotifyLimit(progress);
  const server = await readBaseRecipe();
  const vendor = vendorRecipe(server);
  await ensureBuilt([server, vendor], progress, options.signal);
  stopIfAborted(options.signal);
  return withLock(labLock(lab), progress, async () => {
    await claimLab(lab);
    const networkStands = await networkExists(lab);
    const plan = planAddresses(await settleNet(lab, options.net, networkStands, progress));
    if (!networkStands) await rebuildNetwork(lab, plan, progress);
    stopIfAborted(options.signal);
    const publicKey = await ensureLoginKey(lab);
    await startPackageProxy(lab, plan.places.controller.v4, progress);
    const machines = containersOf(plan, server, vendor);
    const leaders = await Promise.all(machines.map(({ name }) => findRunning(lab, name)));
    const stopped = machines.filter((_, index) => leaders[index] === undefined);
    if (stopped.length === 0) progress(`lab ${lab} is already up`);
    else await boot(lab, plan, stopped, publicKey, progress);
    return describeLab(lab, plan);
  });
}

/** Take a lab down: end its machines, delete their disks, and remove every process, mount, group, namespace and interface of it. */
export async function downLab(
  name: string = defaultLab,
  options: { readonly forget?: boolean; readonly progress?: Progress } = {},
): Promise<void> {
  const lab = checkLabName(name);
  const progress = options.progress ?? progressTo();
  requireRoot();
  await withLock(labLock(lab), progress, async () => {
    await claimLab(lab);
    await stopEverything(lab);
    await removeNetwork(lab);
    await stopPackageProxy(
      lab,
      (await recordedLabs()).filter((other) => other !== lab),
      progress,
    );
    await unmountBelow(runFolder(lab));
    await removeFiles(lab, options.forget ?? false);
    await releaseLab(lab);
    if (options.forget) await rm(labLock(lab), { force: true });
    progress(`lab ${lab} is down`);
  });
}

/** What a lab looks like now; `undefined` for a name that was never up in this cache. */
export async function statusLab(name: string = defaultLab): Promise<LabStatus | undefined> {
  const lab = checkLabName(name);
  const net = await recordedNet(lab);
  return net === undefined ? undefined : describeLab(lab, planAddresses(net));
}

/** Make one server of a running lab, or all of them and the vendor's host, bare again. Addresses, host keys and login stay. */
export async function resetHost(
  name: string,
  host: string | undefined,
  options: { readonly progress?: Progress } = {},
): Promise<LabStatus> {
  const lab = checkLabName(name);
  const progress = options.progress ?? progressTo();
  requireRoot();
  const server = await readBaseRecipe();
  const vendor = vendorRecipe(server);
  await ensureBuilt([server, vendor], progress);
  return withLock(labLock(lab), progress, async () => {
    const net = await recordedNet(lab);
    if (net === undefined || !(await networkExists(lab))) {
      throw new LabError(`lab ${lab} is not up`, undefined, `bring it up first: npm run lab -- up --name ${lab}`);
    }
    const plan = planAddresses(net);
    const machines = containersOf(plan, server, vendor);
    const chosen = host === undefined ? machines : machines.filter((machine) => machine.name === host);
    if (chosen.length === 0) {
      throw new LabError(
        `lab ${lab} has no machine "${host}" to reset`,
        `it has ${[...serverNames, "vendor"].join(", ")}`,
      );
    }
    for (const machine of chosen) {
      await clearMachine(lab, machine.name);
      await rm(machinePlaces(lab, machine.name).folder, { recursive: true, force: true });
    }
    await boot(lab, plan, chosen, await ensureLoginKey(lab), progress);
    return describeLab(lab, plan);
  });
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new LabError("bringing the lab up was interrupted", undefined, "run it again, or: npm run lab -- down");
}

async function rebuildNetwork(lab: string, plan: AddressPlan, progress: Progress): Promise<void> {
  if (await networkTraces(lab)) {
    progress("removing what an interrupted run left");
    await stopEverything(lab);
    await removeNetwork(lab);
  }
  await createNetwork(lab, plan);
}

async function boot(
  lab: string,
  plan: AddressPlan,
  machines: readonly Container[],
  publicKey: string,
  progress: Progress,
): Promise<void> {
  const start = Date.now();
  progress(`booting ${machines.map((machine) => machine.name).join(", ")} (about 5 s)`);
  await Promise.all(
    machines.map(async (machine) => {
      await startMachine(lab, plan, machine, publicKey);
      await waitForSsh(lab, machine, sshPatience);
      progress(
        `${machine.name} answers at ${machine.addresses.v4} after ${((Date.now() - start) / 1000).toFixed(1)} s`,
      );
    }),
  );
}

/** Power off what runs, then end what is left by its recorded process and by the name of its control group. */
async function stopEverything(lab: string): Promise<void> {
  const recorded = await readdir(join(runFolder(lab), "machines")).catch(() => []);
  const groups = await findGroups((group) => group.startsWith(`${groupName(lab, "")}`));
  const found = groups.map((group) => group.slice(group.lastIndexOf(groupName(lab, "")) + groupName(lab, "").length));
  const machines = [...new Set([...recorded, ...found])];
  await powerOff(lab, machines);
  await Promise.all(machines.map((machine) => clearMachine(lab, machine)));
  await removeGroups(await findGroups((group) => group.startsWith(groupName(lab, ""))));
}

async function removeFiles(lab: string, forget: boolean): Promise<void> {
  const folder = runFolder(lab);
  for (const entry of await readdir(folder).catch(() => [])) {
    if (forget || entry !== "identity") await rm(join(folder, entry), { recursive: true, force: true });
  }
  if (forget) await rm(folder, { recursive: true, force: true });
}

/** The lab's own login key, made once per name; returns the public half. */
async function ensureLoginKey(lab: string): Promise<string> {
  const folder = join(runFolder(lab), "identity");
  const file = join(folder, "id_ed25519");
  if (!(await stat(file).catch(() => undefined))) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", `lab ${lab}`, "-f", file]);
  }
  return readFile(`${file}.pub`, "utf8");
}

function requireRoot(): void {
  if (process.getuid?.() !== 0)
    throw new LabError("the lab needs root", "its machines, mounts and networks are root's");
}
