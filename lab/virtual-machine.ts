import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AddressPlan } from "./address-plan.ts";
import { run, type Words } from "./command.ts";
import { type Guest, groupName, machineProcesses, supervise, supervisorRuns } from "./machine.ts";
import { ensureHostKeys, fillDisk } from "./machine-disk.ts";
import { inRouter } from "./network.ts";
import { machinePlaces, runFolder } from "./places.ts";
import { type ProcessIdentity, startDaemon } from "./process.ts";
import { layerFolder, lowerFolders, mountOverlay, writeFiles } from "./rootfs.ts";

/** What a virtual machine was made as. */
export interface VirtualMachine {
  readonly name: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly diskGB: number;
  readonly last: number;
  /** Beside those of a bare server; left out when there are none. */
  readonly packages?: readonly string[];
}

/** Its interface on the servers' bridge, in the router's namespace. */
const tapName = ({ last }: VirtualMachine) => `vm-${last}`;

/**
 * The qemu-system(1) call of one virtual machine, without hardware acceleration: /dev/kvm may be there and hang its guests. The
 * locally administered MAC address follows the IPv4 address, and each lab has a bridge of its own.
 */
export function qemuWords(vm: VirtualMachine, image: string, boot: { kernel: string; initrd: string }): Words {
  const mac = `52:54:00:18:00:${vm.last.toString(16).padStart(2, "0")}`;
  return [
    "qemu-system-x86_64",
    "-nodefaults",
    ...["-machine", "q35"],
    ...["-accel", "tcg,thread=multi"],
    ...["-cpu", "max"],
    ...["-smp", String(vm.cores)],
    ...["-m", `${vm.memoryMiB}M`],
    ...["-kernel", boot.kernel],
    ...["-initrd", boot.initrd],
    ...["-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0"],
    ...["-drive", `file=${image.replaceAll(",", ",,")},if=virtio,format=raw,cache=writeback`],
    ...["-netdev", `tap,id=net0,ifname=${tapName(vm)},script=no,downscript=no`],
    ...["-device", `virtio-net-pci,netdev=net0,mac=${mac}`],
    ...["-device", "virtio-rng-pci"],
    ...["-display", "none"],
    ...["-serial", "stdio"],
  ];
}

/** The virtual machines that were made in a lab, by name. */
export async function recordedVirtualMachines(lab: string): Promise<VirtualMachine[]> {
  const names = await readdir(join(runFolder(lab), "machines")).catch(() => []);
  const texts = await Promise.all(
    names.sort().map((name) => readFile(machinePlaces(lab, name).virtual, "utf8").catch(() => undefined)),
  );
  return texts.filter((text) => text !== undefined).map((text) => JSON.parse(text) as VirtualMachine);
}

/** QEMU of a virtual machine that runs. */
export async function findQemu(lab: string, name: string): Promise<ProcessIdentity | undefined> {
  if (!(await supervisorRuns(lab, name))) return undefined;
  for (const who of await machineProcesses(lab, name)) {
    const program = await readFile(`/proc/${who.pid}/comm`, "utf8").catch(() => "");
    if (program.startsWith("qemu-system")) return who;
  }
  return undefined;
}

/** Make the disk: a file of the full size that holds only what is in it, with one ext4 file system over all of it. */
export async function makeDisk(
  lab: string,
  plan: AddressPlan,
  guest: Guest,
  vm: VirtualMachine,
  publicKey: string,
): Promise<void> {
  const places = machinePlaces(lab, vm.name);
  await rm(places.folder, { recursive: true, force: true });
  for (const part of [places.upper, places.work, places.root]) await mkdir(part, { recursive: true });
  await ensureHostKeys(lab, vm.name);
  await mountOverlay(lowerFolders(guest.recipe), places.upper, places.work, places.root);
  try {
    await fillDisk(plan, guest, publicKey, places);
    await writeFiles(places.root, {
      "/etc/fstab": { content: "/dev/vda / ext4 errors=remount-ro 0 1\n", mode: 0o644 },
      // Killing QEMU is a power cut: here a missing sync is seen, so packages are installed as on a real server.
      "/etc/dpkg/dpkg.cfg.d/lab": { content: "", mode: 0o644 },
    });
    await run(["truncate", `--size=${vm.diskGB * 1e9}`, places.image]);
    await run(["mkfs.ext4", "-q", "-F", "-d", places.root, places.image]);
  } finally {
    await run(["umount", places.root]);
  }
  await rm(places.upper, { recursive: true });
  await writeFile(places.virtual, JSON.stringify(vm)); // last: without it the disk is made again
}

/** Start QEMU on a disk that is there, with a tap on the servers' bridge. */
export async function startQemu(lab: string, guest: Guest, vm: VirtualMachine): Promise<void> {
  const places = machinePlaces(lab, vm.name);
  const tap = tapName(vm);
  await removeTap(lab, vm);
  const ip = (...words: string[]) => run(inRouter(lab, ["ip", ...words]));
  await ip("tuntap", "add", "dev", tap, "mode", "tap");
  await ip("link", "set", "dev", tap, "master", guest.segment, "up");
  const words = qemuWords(vm, places.image, await findKernel(guest));
  const supervisor = await startDaemon([supervise, groupName(lab, vm.name), ...inRouter(lab, words)], places.console);
  await writeFile(places.process, JSON.stringify(supervisor));
}

/** Remove a virtual machine's tap, if it is there. */
export async function removeTap(lab: string, vm: VirtualMachine): Promise<void> {
  await run(inRouter(lab, ["ip", "link", "delete", "dev", tapName(vm)])).catch(() => undefined); // absent is fine
}

async function findKernel({ recipe }: Guest): Promise<{ kernel: string; initrd: string }> {
  const folder = join(layerFolder(recipe), "boot");
  const names = (await readdir(folder)).sort();
  const find = async (prefix: string) => {
    const name = names.findLast((candidate) => candidate.startsWith(prefix));
    const path = join(folder, name ?? prefix);
    await stat(path); // an absent one is told by its path
    return path;
  };
  return { kernel: await find("vmlinuz-"), initrd: await find("initrd.img-") };
}
