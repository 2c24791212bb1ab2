import { readFileSync, statfsSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { type Environment, environments, namespace } from "../infra/settings.ts";
import { cacheFolder } from "./places.ts";
import type { Addresses, LabStatus, ServerName } from "./status.ts";

/** What a lab's servers have, for they have what this machine has. */
export interface MachineSize {
  readonly cores: number;
  readonly memoryGiB: number;
  /** Of the file system that holds the servers' files, in GB (10^9 bytes). */
  readonly diskGB: number;
}

/** What the settings depend on beside the lab's status. */
export interface LabFacts {
  readonly size: MachineSize;
  /** The lab's login key, as it stands in authorized_keys. */
  readonly publicKey: string;
}

const serverOf: Readonly<Record<Environment, ServerName>> = { development: "dev", test: "test", production: "prod" };

/** The least that a server must have: the size of the guide (SRV-3 to SRV-5), or less where this machine has less. */
const guide: MachineSize = { cores: 4, memoryGiB: 16, diskGB: 60 };

/**
 * A lab's stack configuration, by full key: everything that an operator writes into Pulumi.<stack>.yaml, for one server of
 * the lab. Whatever the lab has not of the guide's size and system stands here as an override, so that each run says so.
 */
export function labSettings(
  status: LabStatus,
  environment: Environment,
  { size, publicKey }: LabFacts = factsOf(status),
): Record<string, unknown> {
  const server = status.machines.find(({ name }) => name === serverOf[environment]);
  if (server === undefined) throw new Error(`lab ${status.name} has no ${serverOf[environment]}`);
  const { segments, services } = status;
  const settings = {
    environment,
    customer: { name: `Lab ${status.name}`, domain: status.domain },
    server: {
      host: server.addresses.v4,
      user: server.login.users[0],
      hostKey: server.hostKey,
      privateKeyFile: server.login.privateKeyFile,
      hostname: server.fqdn,
    },
    requirements: { profile: "2020", override: overrides(size) },
    firewall: {
      management: [segments.management.v4, segments.management.v6],
      internal: [segments.internal.v4, segments.internal.v6],
      saltMaster: both(services.master.addresses),
      egress: {
        dns: { protocol: "udp", ports: services.dns.ports, to: both(services.dns.addresses) },
        "dns-tcp": { protocol: "tcp", ports: services.dns.ports, to: both(services.dns.addresses) },
        time: { protocol: "udp", ports: services.ntp.ports, to: both(services.ntp.addresses) },
        // The proxy listens on IPv4 alone.
        packages: { protocol: "tcp", ports: services.aptProxy.ports, to: [services.aptProxy.addresses.v4] },
      },
    },
    administrator: { keys: [publicKey.trim()] },
    time: { servers: [services.ntp.addresses.v4], adjust: false },
    updates: { reboot: false },
    journal: { maxUse: "100M" },
    // A lab as it is has no customer's zone; the tests of DNS put one there.
    dns: { verify: false },
  };
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [`${namespace}:${key}`, value]));
}

/** Debian 12 in a container, which shows no disk; and whatever this machine has less of than the guide asks for. */
function overrides(size: MachineSize) {
  const short = Object.entries(guide).filter(([key, least]) => size[key as keyof MachineSize] < least);
  return {
    ...Object.fromEntries(short.map(([key]) => [key, size[key as keyof MachineSize]])),
    ssd: false,
    releases: { debian: ["12"] },
  };
}

function both({ v4, v6 }: Addresses): string[] {
  return [v4, v6];
}

function factsOf({ machines }: LabStatus): LabFacts {
  const { blocks, bsize } = statfsSync(cacheFolder());
  const size = {
    cores: cpus().length,
    memoryGiB: Math.floor(totalmem() / 2 ** 30),
    diskGB: Math.floor((blocks * bsize) / 1e9),
  };
  return { size, publicKey: readFileSync(`${machines[0]?.login.privateKeyFile}.pub`, "utf8") };
}

/** The lab's stacks by name, in the order in which they are shown. */
export const labStacks: Readonly<Record<ServerName, Environment>> = Object.fromEntries(
  environments.map((environment) => [serverOf[environment], environment]),
) as Record<ServerName, Environment>;
