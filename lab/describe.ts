import { join } from "node:path";
import { type AddressPlan, domain, segmentNames, serverNames, vantageNames } from "./address-plan.ts";
import { findRunning } from "./machine.ts";
import { readHostKey } from "./machine-disk.ts";
import { controllerInterface, namespacePath, networkExists } from "./network.ts";
import { packageProxyPort, packageProxyRuns } from "./package-proxy.ts";
import { machinePlaces, runFolder } from "./places.ts";
import { loginUser } from "./recipe.ts";
import type { Addresses, LabStatus, MachineStatus, Ranges, SegmentName } from "./status.ts";
import { masterPorts } from "./vendor.ts";
import { findQemu, recordedVirtualMachines } from "./virtual-machine.ts";

/** Private key file of a lab. */
export const privateKeyFile = (lab: string) => join(runFolder(lab), "identity", "id_ed25519");

/** Look at a lab and describe it. Looks only, takes no lock. Its state does not depend on virtual machines: `up` starts none. */
export async function describeLab(lab: string, plan: AddressPlan): Promise<LabStatus> {
  const { vendor, controller } = plan.places;
  const machines = await Promise.all(
    [...serverNames, "vendor" as const].map((name) => describeMachine(lab, plan, name)),
  );
  const signs = [
    await networkExists(lab),
    await packageProxyRuns(lab),
    ...machines.map(({ state }) => state === "running"),
  ];
  return {
    name: lab,
    state: signs.every(Boolean) ? "up" : signs.some(Boolean) ? "degraded" : "down",
    ranges: plan.ranges,
    domain,
    segments: Object.fromEntries(
      segmentNames.map((name) => [name, { v4: plan.segments[name].v4, v6: plan.segments[name].v6 }]),
    ) as Record<SegmentName, Ranges>,
    router: { netns: namespacePath(lab, "router") },
    controller: { interface: controllerInterface(lab), addresses: addressesOf(controller) },
    machines: [...machines, ...(await describeVirtualMachines(lab, plan))],
    vantagePoints: vantageNames.map((name) => ({
      name,
      netns: namespacePath(lab, name),
      addresses: addressesOf(plan.places[name]),
    })),
    services: {
      dns: { addresses: addressesOf(vendor), protocol: "tcp+udp", ports: [53] },
      ntp: { addresses: addressesOf(vendor), protocol: "udp", ports: [123] },
      aptProxy: { addresses: addressesOf(controller), protocol: "tcp", ports: [packageProxyPort] },
      master: { addresses: addressesOf(vendor), protocol: "tcp", ports: masterPorts },
    },
  };
}

async function describeMachine(
  lab: string,
  plan: AddressPlan,
  name: (typeof serverNames)[number] | "vendor",
): Promise<MachineStatus> {
  const leader = await findRunning(lab, name);
  return {
    name,
    kind: name === "vendor" ? "vendor" : "server",
    fqdn: `${name}.${domain}`,
    addresses: addressesOf(plan.places[name]),
    state: leader ? "running" : "stopped",
    leader: leader?.pid ?? null,
    login: { users: [loginUser, "root"], privateKeyFile: privateKeyFile(lab) },
    hostKey: await readHostKey(lab, name),
    consoleLog: machinePlaces(lab, name).console,
  };
}

async function describeVirtualMachines(lab: string, plan: AddressPlan): Promise<MachineStatus[]> {
  const recorded = await recordedVirtualMachines(lab);
  return Promise.all(
    recorded.map(async ({ name, last }) => {
      const leader = await findQemu(lab, name);
      return {
        name,
        kind: "virtual-machine" as const,
        fqdn: `${name}.${domain}`,
        addresses: plan.extraServer(last),
        state: leader ? ("running" as const) : ("stopped" as const),
        leader: leader?.pid ?? null,
        login: { users: [loginUser, "root"], privateKeyFile: privateKeyFile(lab) },
        hostKey: await readHostKey(lab, name),
        consoleLog: machinePlaces(lab, name).console,
      };
    }),
  );
}

const addressesOf = ({ v4, v6 }: Addresses): Addresses => ({ v4, v6 });
