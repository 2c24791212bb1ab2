import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { byFields } from "../fields.ts";
import type { Host } from "../host/host.ts";
import type { Kind } from "../kind.ts";
import { HostResource, type Inputs } from "../resource.ts";
import {
  addresses,
  clockOff,
  type Disk,
  disks,
  type InterfaceAddresses,
  listed,
  type Memory,
  memory,
  type OperatingSystem,
  operatingSystem,
  type RootDisk,
  timeProperties,
} from "./facts-parsers.ts";
import { reservations, type ServerRequirements, shortfalls } from "./facts-requirements.ts";

/** What a server must have before anything is changed on it. */
export interface FactsArgs {
  /** The least that the server must have; every shortfall is listed at once, in previews too. Left out, nothing is asked for. */
  require?: ServerRequirements;
}

type FactsWant = FactsArgs;

/** What a server is and has, as far as it does not change by itself. */
export interface FactsSeen {
  os: OperatingSystem;
  /** Release of the running kernel: `5.4.0-216-generic`. */
  kernel: string;
  /** As uname(1) names it: `x86_64`. */
  architecture: string;
  /** Processors that the kernel uses. */
  cores: number;
  memory: Memory;
  /** Every disk, sorted by name. */
  disks: Disk[];
  /** The disk that holds `/`. */
  disk: RootDisk;
  /** Addresses by network interface. */
  addresses: Record<string, InterfaceAddresses>;
  /** Left out where nothing on the server can tell. */
  timeSynchronised?: boolean;
  /** How far the clock is from that of the machine where Pulumi runs: `365 days behind`. Left out when it is less than two minutes. */
  clockOff?: string;
  /** `Europe/Copenhagen`; empty where nothing on the server can tell. */
  timeZone: string;
  hostname: string;
  /** Whether the kernel has WireGuard, built in or as a module. */
  wireguard: boolean;
  /** As systemd-detect-virt(1) names it: `none` on bare metal, `kvm`, `vmware`, `systemd-nspawn`, … */
  virtualization: string;
  /** What the system calls itself since it was installed (machine-id(5)): another one means another system. */
  machineId: string;
}

const fields = {
  require: z
    .strictObject({
      cores: z.int().positive().optional(),
      memoryGiB: z.number().positive().optional(),
      diskGB: z.number().positive().optional(),
      ssd: z.boolean().optional(),
      os: z
        .array(z.strictObject({ id: z.enum(["ubuntu", "debian"]), releases: z.array(z.string().min(1)).min(1) }))
        .min(1)
        .optional(),
    })
    .optional(),
};

/**
 * What a server is: operating system, size, addresses, time. It changes nothing; with `require` it stops the run before
 * anything else is touched (SRV-3 to SRV-6).
 *
 * @example
 * const facts = new Facts("facts", {});
 * export const memory = facts.memory.bytes;
 *
 * @example
 * const preflight = new Facts("preflight", {
 *   require: { cores: 4, memoryGiB: 16, diskGB: 60, ssd: true, os: [{ id: "ubuntu", releases: ["20.04"] }] },
 * });
 * new File("motd", { path: "/etc/motd", content: "Welcome.\n" }, { dependsOn: preflight });
 *
 * @importId `facts`.
 */
export class Facts extends HostResource<FactsArgs> {
  declare readonly os: Output<OperatingSystem>;
  /** Release of the running kernel. */
  declare readonly kernel: Output<string>;
  declare readonly architecture: Output<string>;
  declare readonly cores: Output<number>;
  declare readonly memory: Output<Memory>;
  declare readonly disks: Output<Disk[]>;
  /** The disk that holds `/`. */
  declare readonly disk: Output<RootDisk>;
  /** Addresses by network interface. */
  declare readonly addresses: Output<Record<string, InterfaceAddresses>>;
  declare readonly timeSynchronised: Output<boolean | undefined>;
  /** How far the clock is from that of the machine where Pulumi runs: `365 days behind`. Left out when it is less than two minutes. */
  declare readonly clockOff: Output<string | undefined>;
  declare readonly timeZone: Output<string>;
  declare readonly hostname: Output<string>;
  /** Whether the kernel has WireGuard, built in or as a module. */
  declare readonly wireguard: Output<boolean>;
  declare readonly virtualization: Output<string>;
  /** What the system calls itself since it was installed (machine-id(5)): another one means another system. */
  declare readonly machineId: Output<string>;

  constructor(name: string, args: Inputs<FactsArgs>, options?: CustomResourceOptions) {
    super(facts.type, name, args, outputs, options);
  }
}

const outputs: readonly (keyof FactsSeen)[] = [
  "os",
  "kernel",
  "architecture",
  "cores",
  "memory",
  "disks",
  "disk",
  "addresses",
  "timeSynchronised",
  "clockOff",
  "timeZone",
  "hostname",
  "wireguard",
  "virtualization",
  "machineId",
];

/** The lifecycle of `Facts`: it only looks. */
export const facts: Kind<FactsWant, FactsSeen> = {
  type: "onprem:linux:Facts",
  summary: "What a server is and has; stops the run when it has less than required.",
  fields,
  identity: [],
  check: byFields<FactsWant>(fields),
  id: () => "facts",
  named: (id) => (id === "facts" ? {} : undefined),

  async observe(host) {
    const asked = Date.now();
    const clock = words(host, ["date", "+%s"]).then((there) => clockOff(there, asked, Date.now()));
    const [
      release,
      machineId,
      online,
      meminfo,
      lsmem,
      lsblk,
      findmnt,
      uname,
      virtualization,
      time,
      ip,
      wireguard,
      off,
    ] = await Promise.all([
      text(host, "/usr/lib/os-release"),
      text(host, "/etc/machine-id"),
      text(host, "/sys/devices/system/cpu/online"),
      text(host, "/proc/meminfo"),
      // Exit 1: the kernel has no memory blocks.
      words(host, ["lsmem", "--json", "--bytes", "--output", "SIZE,STATE"], [0, 1, 127]),
      words(host, ["lsblk", "--json", "--bytes", "--output", "NAME,PATH,TYPE,SIZE,ROTA"], [0, 1, 32, 64]),
      // -v: without the subvolume that btrfs puts behind the source.
      words(host, ["findmnt", "-v", "--json", "--bytes", "--output", "SOURCE,SIZE", "/"], [0, 1]),
      words(host, ["uname", "-nrm"]),
      // Exit 1: none.
      words(host, ["systemd-detect-virt"], [0, 1]),
      // Fails where no message bus runs.
      words(host, ["timedatectl", "show", "--property=Timezone", "--property=NTPSynchronized"], [0, 1]),
      words(host, ["ip", "-json", "addr", "show"]),
      words(host, ["sh", "-c", kernelWireGuard]),
      clock,
    ]);
    const [hostname = "", kernel = "", architecture = ""] = uname.trim().split(" ");
    return {
      os: operatingSystem(release),
      kernel,
      architecture,
      cores: listed(online),
      memory: memory(lsmem, meminfo),
      ...disks(lsblk, findmnt),
      addresses: addresses(ip),
      ...timeProperties(time),
      ...(off === undefined ? {} : { clockOff: off }),
      hostname,
      wireguard: wireguard.trim() === "yes",
      virtualization: virtualization.trim(),
      machineId: machineId.trim(),
    };
  },

  plan: () => [],
  remove: () => [],

  refuse({ require = {} }, seen) {
    const lacking = seen === undefined ? [] : shortfalls(require, seen);
    if (lacking.length === 0) return undefined;
    return {
      why: lacking.join("\n"),
      remedy: "Give the server what it lacks, or lower the requirement in the configuration, knowingly.",
    };
  },

  warn: ({ require = {} }, seen) =>
    seen === undefined ? [] : [...reservations(require, seen), ...(seen.clockOff ? [wrongClock(seen.clockOff)] : [])],
};

/** A module that is loaded, or one that could be; `modprobe -n` loads nothing, and knows what is built in. */
export const kernelWireGuard =
  "[ -d /sys/module/wireguard ] || modprobe -n -q wireguard 2>/dev/null && echo yes || echo no";

function wrongClock(off: string): string {
  return (
    `The server's clock is ${off}. A wrong clock makes package lists and certificates look expired or not valid yet. ` +
    "chrony sets it when it starts, and not later: `systemctl restart chrony` on the server, or `date --set`; unless it is this machine's clock that is wrong."
  );
}

async function text(host: Host, path: string): Promise<string> {
  const [seen] = await host.inspect(path, { content: 64 * 1024 });
  return new TextDecoder().decode(seen?.content);
}

async function words(host: Host, argv: readonly string[], exits?: readonly number[]): Promise<string> {
  return (await host.look(argv, exits === undefined ? {} : { exits })).stdout;
}
