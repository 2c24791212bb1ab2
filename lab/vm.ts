import { readFile, rm } from "node:fs/promises";
import { checkLabName, domain, planAddresses, serverNames } from "./address-plan.ts";
import { describeLab, privateKeyFile } from "./describe.ts";
import { LabError } from "./lab-error.ts";
import { withLock } from "./lock.ts";
import { clearMachine, type Guest, waitForSsh } from "./machine.ts";
import { networkExists } from "./network.ts";
import { machinePlaces } from "./places.ts";
import { longStep, progressTo } from "./progress.ts";
import { virtualMachineRecipe } from "./recipe.ts";
import { labLock, recordedNet } from "./registry.ts";
import { ensureRequirements, labNeeds, virtualMachineNeeds } from "./requirements.ts";
import { ensureBuilt, readBaseRecipe } from "./rootfs.ts";
import type { MachineStatus, VmOptions } from "./status.ts";
import {
  findQemu,
  makeDisk,
  recordedVirtualMachines,
  removeTap,
  startQemu,
  type VirtualMachine,
} from "./virtual-machine.ts";

/** Longest wait for a virtual machine's sshd, in milliseconds: half a minute on two quiet cores, several when they are busy. */
const sshPatience = 300_000;

/**
 * Bring up a virtual machine in the servers' segment of a lab that is up: a kernel, a clock, a disk and sizes of its own. One that
 * runs stays untouched; one that was stopped boots with the disk it had. Returns when it answers by SSH. Throws {@link LabError}.
 */
export async function upVm(options: VmOptions): Promise<MachineStatus> {
  const lab = checkLabName(options.lab ?? "lab");
  const progress = options.progress ?? progressTo();
  const vm = settle(options);
  if (process.arch !== "x64") {
    throw new LabError("a virtual machine of the lab needs an x86-64 machine", `this one is ${process.arch}`);
  }
  await ensureRequirements({ ...labNeeds, ...virtualMachineNeeds }, progress);
  const recipe = virtualMachineRecipe(await readBaseRecipe(), vm.packages);
  await ensureBuilt([recipe], progress, options.signal);
  return withLock(labLock(lab), progress, async () => {
    const net = await recordedNet(lab);
    if (net === undefined || !(await networkExists(lab))) {
      throw new LabError(
        `lab ${lab} is not up`,
        "a virtual machine stands on the lab's network",
        "bring the lab up first",
      );
    }
    const plan = planAddresses(net);
    const addresses = plan.extraServer(vm.last);
    const guest: Guest = { name: vm.name, segment: "servers", addresses, device: "eth0", recipe };
    if (options.signal?.aborted) throw new LabError(`bringing up ${vm.name} was interrupted`);
    const recorded = await checkRecorded(lab, vm);
    if (!(await findQemu(lab, vm.name))) {
      await clearMachine(lab, vm.name);
      if (!recorded) await makeDisk(lab, plan, guest, vm, await readFile(`${privateKeyFile(lab)}.pub`, "utf8"));
      await startQemu(lab, guest, vm);
      const size = `${vm.cores} cores, ${vm.memoryMiB} MiB, ${vm.diskGB} GB`;
      await longStep(
        progress,
        `booting virtual machine ${vm.name} (${size})`,
        { step: 1, of: 1, usualSeconds: 35 },
        () => waitForSsh(lab, guest, sshPatience),
      );
    }
    const status = (await describeLab(lab, plan)).machines.find(({ name }) => name === vm.name);
    if (!status) throw new LabError(`virtual machine ${vm.name} ended right after it had booted`);
    return status;
  });
}

/** Stop a virtual machine as a power cut does, and delete its disk. Its host key is kept. Does nothing when it is not there. */
export async function downVm(options: Pick<VmOptions, "name" | "lab" | "progress">): Promise<void> {
  const lab = checkLabName(options.lab ?? "lab");
  const progress = options.progress ?? progressTo();
  await withLock(labLock(lab), progress, async () => {
    const vm = (await recordedVirtualMachines(lab)).find(({ name }) => name === options.name);
    if (!vm) return;
    await clearMachine(lab, vm.name);
    await removeTap(lab, vm);
    await rm(machinePlaces(lab, vm.name).folder, { recursive: true, force: true });
  });
}

/** Fill in the sizes that the requirements name, and refuse what cannot be. */
function settle(options: VmOptions): VirtualMachine {
  const { name, cores = 4, memoryMiB = 16_384, diskGB = 60, last = 21, packages = [] } = options;
  const taken: readonly string[] = [...serverNames, "vendor", "controller", "packages"];
  if (!/^[a-z][a-z0-9-]{0,11}$/.test(name) || taken.includes(name)) {
    throw new LabError(
      `"${name}" cannot be the name of a virtual machine`,
      `it becomes a host name in ${domain}, where ${taken.join(", ")} are taken`,
      "use one to twelve lower-case letters, digits and hyphens, a letter first",
    );
  }
  return { name, cores, memoryMiB, diskGB, last, ...(packages.length > 0 && { packages: [...packages].sort() }) };
}

/** Whether this virtual machine was made already. Throws when its name or address belongs to a different one. */
async function checkRecorded(lab: string, vm: VirtualMachine): Promise<boolean> {
  for (const other of await recordedVirtualMachines(lab)) {
    if (other.name !== vm.name && other.last === vm.last) {
      throw new LabError(
        `address .${vm.last} of lab ${lab} belongs to ${other.name}`,
        undefined,
        'give another "last"',
      );
    }
    if (other.name === vm.name && JSON.stringify(other) !== JSON.stringify(vm)) {
      throw new LabError(
        `virtual machine ${vm.name} is there with other sizes`,
        JSON.stringify(other),
        "take it down first",
      );
    }
  }
  return (await recordedVirtualMachines(lab)).some(({ name }) => name === vm.name);
}
