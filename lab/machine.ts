import { readFile, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { type AddressPlan, serverNames } from "./address-plan.ts";
import { findGroups, leaderIn, processesOf, removeGroups } from "./cgroup.ts";
import type { Words } from "./command.ts";
import { LabError } from "./lab-error.ts";
import { mountDisk } from "./machine-disk.ts";
import { unmountBelow } from "./mounts.ts";
import { inRouter } from "./network.ts";
import { machinePlaces } from "./places.ts";
import { isAlive, type ProcessIdentity, signalProcess, startDaemon, waitUntil } from "./process.ts";
import type { Recipe } from "./recipe.ts";
import type { Addresses, SegmentName, ServerName } from "./status.ts";

/** A machine of the lab as its own disk knows it. */
export interface Guest {
  readonly name: string;
  readonly segment: SegmentName;
  readonly addresses: Addresses;
  /** Name of its network interface. */
  readonly device: "host0" | "eth0";
  /** Its root file system before anything was changed. */
  readonly recipe: Recipe;
}

/** A machine of the lab that shares this machine's kernel. */
export interface Container extends Guest {
  readonly name: ServerName | "vendor";
  readonly device: "host0";
}

/** Name of a machine's control groups, by which it is found even when nothing was recorded. */
export const groupName = (lab: string, machine: string) => `onprem-${lab}.${machine}`;

/** Name under which systemd-nspawn keeps its own notes; its hostname is short. */
const nspawnName = (lab: string, machine: string) => `onprem-${lab}-${machine}`;

/** systemd.special(7): PID 1 of a container powers off on this signal, SIGRTMIN+4. */
const poweroffSignal = 34 + 4;

/** Program that keeps one machine running in a control group of its own. */
export const supervise = join(import.meta.dirname, "supervise.sh");

/** The systemd-nspawn(1) call of one machine. */
export function nspawnWords(lab: string, machine: Container, places: ReturnType<typeof machinePlaces>): Words {
  return inRouter(lab, [
    "systemd-nspawn",
    "--quiet",
    "--boot",
    `--directory=${places.root}`,
    `--machine=${nspawnName(lab, machine.name)}`,
    `--hostname=${machine.name}`,
    `--network-bridge=${machine.segment}`,
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
    "--register=no",
    "--keep-unit",
    // Enough for nftables, containers and WireGuard, and not enough to set the clock, which is everybody's.
    "--capability=CAP_NET_ADMIN,CAP_BPF,CAP_PERFMON",
    "--bind=/dev/net/tun",
    `--bind=${places.docker}:/var/lib/docker`,
  ]);
}

/** Variables for systemd-nspawn: no seccomp filter (Docker's own calls would fail), cgroup v2 inside, /tmp on the disk. */
const nspawnVariables = {
  SYSTEMD_SECCOMP: "0",
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1",
  SYSTEMD_NSPAWN_TMPFS_TMP: "0",
};

/** Start a machine that does not run. A machine without files is made first; one that has them boots as after a power cut. */
export async function startMachine(
  lab: string,
  plan: AddressPlan,
  machine: Container,
  publicKey: string,
): Promise<void> {
  const places = machinePlaces(lab, machine.name);
  await clearMachine(lab, machine.name);
  await mountDisk(lab, plan, machine, publicKey);
  const supervisor = await startDaemon(
    [supervise, groupName(lab, machine.name), ...nspawnWords(lab, machine, places)],
    places.console,
    nspawnVariables,
  );
  await writeFile(places.process, JSON.stringify(supervisor));
}

/** PID of a machine's PID 1 as this machine sees it. */
export async function findLeader(lab: string, machine: string): Promise<ProcessIdentity | undefined> {
  for (const group of await findGroups((name) => name === groupName(lab, machine))) {
    const leader = await leaderIn(group);
    if (leader) return leader;
  }
  return undefined;
}

/** {@link findLeader} of a machine that is whole: one whose supervisor was killed still runs, but would not survive its reboot. */
export async function findRunning(lab: string, machine: string): Promise<ProcessIdentity | undefined> {
  return (await supervisorRuns(lab, machine)) ? findLeader(lab, machine) : undefined;
}

/** Whether what starts a machine again after its reboot runs; for a virtual machine, whether QEMU is watched. */
export async function supervisorRuns(lab: string, machine: string): Promise<boolean> {
  const recorded = await readFile(machinePlaces(lab, machine).process, "utf8").catch(() => undefined);
  return recorded !== undefined && isAlive(JSON.parse(recorded) as ProcessIdentity);
}

/**
 * Ask machines to power off, and wait up to five seconds until nothing of them runs, systemd-nspawn itself included, for it cleans
 * up behind a machine that ends by itself. What does not end is ended by {@link clearMachine}.
 */
export async function powerOff(lab: string, machines: readonly string[]): Promise<void> {
  const leaders = await Promise.all(machines.map((machine) => findLeader(lab, machine)));
  await Promise.all(leaders.map((leader) => leader && signalProcess(leader, poweroffSignal)));
  const asked = machines.filter((_, index) => leaders[index] !== undefined);
  const left = async () => (await Promise.all(asked.map((machine) => machineProcesses(lab, machine)))).flat();
  await waitUntil(async () => (await left()).length === 0, 5_000);
}

/** End whatever is left of a machine: its recorded supervisor, everything in its control groups, its mounts. Keeps its disk. */
export async function clearMachine(lab: string, machine: string): Promise<void> {
  const places = machinePlaces(lab, machine);
  const recorded = await readFile(places.process, "utf8").catch(() => undefined);
  if (recorded) await signalProcess(JSON.parse(recorded) as ProcessIdentity, "SIGKILL");
  await removeGroups(await findGroups((name) => name === groupName(lab, machine)));
  await rm(places.process, { force: true });
  await removeTraces(lab, machine, places.root);
  await unmountBelow(places.folder);
}

/** What systemd-nspawn leaves behind when it is killed: a lock named by its root's device and inode, and an empty folder. */
async function removeTraces(lab: string, machine: string, root: string): Promise<void> {
  const seen = await stat(root).catch(() => undefined);
  if (seen) await rm(`/run/systemd/nspawn/locks/inode-${seen.dev}:${seen.ino}`, { force: true });
  await rmdir(`/run/systemd/nspawn/propagate/${nspawnName(lab, machine)}`).catch(() => undefined); // absent after a clean end
}

/** Wait until sshd says its name at the machine's IPv4 address. Throws when the machine ends, or `milliseconds` pass, first. */
export async function waitForSsh(
  lab: string,
  machine: { readonly name: string; readonly addresses: Addresses },
  milliseconds: number,
): Promise<void> {
  let [answered, ended] = [false, false];
  await waitUntil(async () => {
    answered = await saysSsh(machine.addresses.v4);
    ended = !(await supervisorRuns(lab, machine.name));
    return answered || ended;
  }, milliseconds);
  if (answered) return;
  const log = await readFile(machinePlaces(lab, machine.name).console, "utf8").catch(() => "");
  throw new LabError(
    `${machine.name} of lab ${lab} ${ended ? "ended while it booted" : `does not answer by SSH at ${machine.addresses.v4}`}`,
    plainLines(log).slice(-5).join("\n  ") || "its console says nothing",
    `its whole console: ${machinePlaces(lab, machine.name).console}`,
  );
}

/** A console's lines without colours and other terminal sequences. */
function plainLines(log: string): string[] {
  return stripVTControlCharacters(log)
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "");
}

/** Whether a server at the address starts an SSH conversation (RFC 4253, section 4.2) within a second. */
export function saysSsh(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 22, timeout: 1_000 });
    const end = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once("data", (data) => end(data.toString("latin1").startsWith("SSH-")));
    for (const event of ["timeout", "error", "end"]) socket.once(event, () => end(false));
  });
}

/** Every process of a machine, its supervisor included. */
export async function machineProcesses(lab: string, machine: string): Promise<ProcessIdentity[]> {
  const groups = await findGroups((name) => name === groupName(lab, machine));
  return (await Promise.all(groups.map(processesOf))).flat();
}

/** The servers and the vendor's host of a lab. */
export function containersOf(plan: AddressPlan, server: Recipe, vendor: Recipe): Container[] {
  return [...serverNames, "vendor" as const].map((name) => ({
    name,
    segment: plan.places[name].segment,
    addresses: { v4: plan.places[name].v4, v6: plan.places[name].v6 },
    device: "host0",
    recipe: name === "vendor" ? vendor : server,
  }));
}
