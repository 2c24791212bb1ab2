/**
 * What a running lab looks like from outside. `npm run lab -- status --json` prints one {@link LabStatus}; `scripts/start.ts` and the
 * end-to-end tests read the same object. Nothing here imports anything, so that everybody may depend on it.
 */

/** One IPv4 and one IPv6 address, without prefix length. */
export interface Addresses {
  readonly v4: string;
  readonly v6: string;
}

/** One IPv4 and one IPv6 range in CIDR notation. */
export interface Ranges {
  readonly v4: string;
  readonly v6: string;
}

/** The parts of a lab's network. Each is one IPv4 range and one IPv6 /64, joined by the lab's router. */
export type SegmentName = "servers" | "management" | "internal" | "stranger" | "vendor";

/** Places to test from. Each is a network namespace with one address in the segment of the same name. */
export type VantageName = "management" | "internal" | "stranger";

/** The three servers of a customer, SRV-1. */
export type ServerName = "dev" | "test" | "prod";

/** `running`: PID 1 lives, and what starts it again after a reboot does too. `stopped`: else; `up` starts it again. */
export type MachineState = "running" | "stopped";

/** How to log in on a machine. Passwords never work. */
export interface Login {
  /**
   * Accounts with the lab's key, the usual one first: `deploy` (sudo without a password), which always works, and `root`, which an
   * update of the server locks out.
   */
  readonly users: readonly string[];
  /** Absolute path of the lab's OpenSSH ed25519 private key, without passphrase, mode 0600. */
  readonly privateKeyFile: string;
}

/** One machine of the lab. */
export interface MachineStatus {
  /** Short host name: `dev`, `test`, `prod`, `vendor`, or the name given to a virtual machine. */
  readonly name: string;
  /** `server` and `vendor` share this machine's kernel (systemd-nspawn); `virtual-machine` has its own. */
  readonly kind: "server" | "vendor" | "virtual-machine";
  /** For example `dev.lab.test`. The lab's DNS knows it, but for a virtual machine's. */
  readonly fqdn: string;
  readonly addresses: Addresses;
  readonly state: MachineState;
  /** PID, as this machine sees it, of the host's PID 1 (of QEMU for a virtual machine); `null` when stopped. */
  readonly leader: number | null;
  readonly login: Login;
  /** Public host key as it stands in a known_hosts file, without host: `ssh-ed25519 AAAA...`. Survives a reset. */
  readonly hostKey: string;
  /** Absolute path of the machine's console output. */
  readonly consoleLog: string;
}

/** A network namespace to test from. */
export interface VantagePoint {
  readonly name: VantageName;
  /** Absolute path for `nsenter --net=PATH`. */
  readonly netns: string;
  readonly addresses: Addresses;
}

/** A service that the lab offers to its servers, at an address that never moves. */
export interface ServiceEndpoint {
  readonly addresses: Addresses;
  readonly protocol: "tcp" | "udp" | "tcp+udp";
  readonly ports: readonly number[];
}

/** Everything about one lab that another program needs to test it from outside. */
export interface LabStatus {
  readonly name: string;
  /** `up`: everything runs. `degraded`: something that was started is gone; `up` heals it. `down`: nothing is there. */
  readonly state: "up" | "degraded" | "down";
  /** The lab's whole range: an IPv4 /24 from 198.18.0.0/15 (RFC 2544) and an IPv6 /60 from 2001:2::/48 (RFC 5180). */
  readonly ranges: Ranges;
  /** The lab's DNS zone. */
  readonly domain: string;
  readonly segments: Readonly<Record<SegmentName, Ranges>>;
  /** Network namespace that joins the segments. */
  readonly router: { readonly netns: string };
  /** The machine where `pulumi up` runs, seen from the lab: an address in the management segment. */
  readonly controller: { readonly interface: string; readonly addresses: Addresses };
  readonly machines: readonly MachineStatus[];
  readonly vantagePoints: readonly VantagePoint[];
  readonly services: {
    readonly dns: ServiceEndpoint;
    readonly ntp: ServiceEndpoint;
    /** An HTTP proxy for apt, on the controller's address. */
    readonly aptProxy: ServiceEndpoint;
    /** Where the Salt master will be; for now two ports that accept and close. */
    readonly master: ServiceEndpoint;
  };
}

/** One line of progress: what happens now, and roughly how many seconds it takes when that is known. */
export type Progress = (message: string) => void;

/** What to bring up. */
export interface UpOptions {
  /** One to twelve characters, lower-case letters and digits, starting with a letter. @default "lab" */
  readonly name?: string;
  /** `198.18.N.0/24` or `198.19.N.0/24`. @default the range recorded for this name, else the first one that is free */
  readonly net?: string;
  /** Where progress lines go. @default standard error */
  readonly progress?: Progress;
  /** Stops the work at the next point where nothing is half-done; the call then fails. What was started stays until `down`. */
  readonly signal?: AbortSignal;
}

/** A virtual machine to bring up beside the servers of a lab that is up. */
export interface VmOptions {
  /** One to twelve lower-case letters, digits and hyphens, a letter first; not the name of another machine of the lab. */
  readonly name: string;
  /** @default "lab" */
  readonly lab?: string;
  /** Virtual processors. @default 4 (SRV-3) */
  readonly cores?: number;
  /** @default 16384 (SRV-4) */
  readonly memoryMiB?: number;
  /** Size of the disk in GB of 10^9 bytes; it takes as much of the real disk as is written to it. @default 60 (SRV-5) */
  readonly diskGB?: number;
  /**
   * Debian packages that it has from the start, as a server that comes from somebody else. Installed there, on an emulated
   * processor, each takes many times longer. @default none, a bare server
   */
  readonly packages?: readonly string[];
  /** Last part of its address in the servers' segment, 14 to 62. @default 21 */
  readonly last?: number;
  /** Where progress lines go. @default standard error */
  readonly progress?: Progress;
  /** Stops the work before QEMU starts. */
  readonly signal?: AbortSignal;
}
