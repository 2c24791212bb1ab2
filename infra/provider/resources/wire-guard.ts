import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { byFields } from "../fields.ts";
import type { Kind } from "../kind.ts";
import type { Problems } from "../problems.ts";
import { HostResource, type Inputs } from "../resource.ts";
import { run, type Step, write } from "../step.ts";
import {
  endpoint,
  interfaceAddresses,
  interfaceName,
  isAlive,
  keepalive,
  mtu,
  peerRanges,
  publicKey,
  rejectAfter,
  sortedWords,
} from "../wire-guard-values.ts";
import { act, systemctl } from "./systemctl.ts";
import {
  configurationOf,
  configurationText,
  keyOf,
  lookScript,
  readConfiguration,
  readLive,
  type WireGuardConfiguration,
  type WireGuardLive,
} from "./wire-guard-texts.ts";

/** A WireGuard interface that comes up with the host. */
export interface WireGuardArgs {
  /** Name of the interface, at most 15 characters: `wg0`. Changing it replaces the interface. */
  name: string;
  /** Addresses of this host in the tunnel, in CIDR notation: `["10.99.0.2/32"]`. */
  addresses: string[];
  /**
   * UDP port to listen on, 1 to 65535; 0 leaves the choice to the host, for one that only dials out.
   * @default 0
   */
  listenPort?: number;
  /**
   * Bytes of the largest packet in the tunnel, 1280 to 9000; 0 leaves it to wg-quick(8).
   * @default 0
   */
  mtu?: number;
  /**
   * Who is at the other end.
   * @default []
   */
  peers?: TunnelPeerArgs[];
  /**
   * Pre-shared keys by the peer's public key, as `wg genpsk` prints them: a second secret for those who do not trust
   * curves alone. May be secrets.
   * @default {}
   */
  presharedKeys?: Record<string, string>;
  /**
   * Number of the private key. Another number makes another key; the old one is gone.
   * @default 1
   */
  keyVersion?: number;
  /**
   * Seconds until the host takes a change back that we cannot confirm, 10 to 3600.
   * @default 60
   */
  confirmSeconds?: number;
}

/** One peer of the interface. */
export interface TunnelPeerArgs {
  /** The peer's public key, as `wg pubkey` prints it. */
  publicKey: string;
  /** `HOST:PORT` where it listens; left out for one that dials in. */
  endpoint?: string;
  /** Ranges that are reached through it, and from which it may send. */
  allowedIps: string[];
  /**
   * Seconds between packets that keep a NAT in between open, 0 to 65535; 0: none.
   * @default 0
   */
  keepalive?: number;
}

interface WireGuardWant extends WireGuardConfiguration {
  name: string;
  confirmSeconds: number;
  presharedKeys: Record<string, string>;
}

/** The interface as its file has it, and whether it runs so. */
export interface WireGuardSeen extends WireGuardConfiguration {
  name: string;
  /** Those that the program gives, as they stand in the file; of any other only that there is one: `set`. */
  presharedKeys: Record<string, string>;
  /** `absent`, `ours`, or `foreign`: written by somebody else, or changed by hand. */
  file: "absent" | "ours" | "foreign";
  /** The public key that belongs to the private key on the host; absent while there is none. */
  publicKey?: string;
  /** What of the running interface is not as the file says. */
  differs: string[];
  enabled: boolean;
  running: boolean;
  /** By public key: whether its last handshake is young enough to send by. */
  tunnels: Record<string, "up" | "down">;
}

const peer = z.strictObject({ publicKey, endpoint: endpoint.optional(), allowedIps: peerRanges, keepalive });

const fields = {
  name: interfaceName,
  addresses: interfaceAddresses,
  listenPort: z.int().min(0).max(65535).default(0),
  mtu,
  peers: z
    .array(peer)
    .default([])
    .transform((peers) => peers.sort((one, other) => (one.publicKey < other.publicKey ? -1 : 1))),
  presharedKeys: z.record(publicKey, publicKey).default({}),
  keyVersion: z.int().min(1).max(1_000_000).default(1),
  confirmSeconds: z.int().min(10).max(3600).default(60),
};

/**
 * A WireGuard interface, by wg-quick(8): now, and at every boot. The private key is made on the host and never leaves it;
 * the output `publicKey` is what the other side needs. Needs the package `wireguard-tools`, and `wireguard-go` where the kernel has no WireGuard.
 *
 * Changes are guarded: the tunnel may be the way by which we came. A tunnel whose last handshake is too old is a warning
 * of every run, and `down` in the output `tunnels`.
 *
 * @example
 * new WireGuard("vpn", {
 *   name: "wg0",
 *   addresses: ["10.99.0.2/32"],
 *   peers: [{
 *     publicKey: "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=",
 *     endpoint: "vpn.example.dk:51820",
 *     allowedIps: ["10.99.0.0/24"],
 *     keepalive: 25,
 *   }],
 * });
 */
export class WireGuard extends HostResource<WireGuardArgs> {
  declare readonly name: Output<string>;
  /** The public key that belongs to the private key on the host. */
  declare readonly publicKey: Output<string>;
  /** `up` or `down`, by the peer's public key. */
  declare readonly tunnels: Output<Record<string, "up" | "down">>;

  constructor(name: string, args: Inputs<WireGuardArgs>, options?: CustomResourceOptions) {
    super(wireGuard.type, name, args, ["publicKey", "tunnels", "file", "differs", "enabled", "running"], options);
  }
}

/** The lifecycle of `WireGuard`. */
export const wireGuard: Kind<WireGuardWant, WireGuardSeen> = {
  type: "onprem:linux:WireGuard",
  summary: "A WireGuard interface whose private key is made on the host and stays there.",
  fields,
  confidential: ["presharedKeys"],
  independent: ["publicKey", "tunnels"],
  identity: ["name"],
  check: byFields<WireGuardWant>(fields, acrossPeers),
  named: (name) => (fields.name.safeParse(name).success ? { name } : undefined),

  async observe(host, { name = "", presharedKeys = {} }) {
    const [[file], { stdout }] = await Promise.all([
      host.inspect(configurationOf(name), { content: 1024 * 1024 }),
      host.look(["sh", "-c", lookScript, "sh", name]),
    ]);
    const live = readLive(stdout);
    if (file === undefined && live.keyFile === undefined && live.publicKey === undefined) return undefined;
    const { ours, ...read } = readConfiguration(new TextDecoder().decode(file?.content));
    const guarded = file?.owner === "root" && file.mode === "0600";
    return {
      name,
      ...read,
      presharedKeys: Object.fromEntries(
        Object.entries(read.presharedKeys).map(([key, value]) => [key, key in presharedKeys ? value : "set"]),
      ),
      file: file === undefined ? "absent" : ours && guarded ? "ours" : "foreign",
      ...(live.keyFile === undefined ? {} : { publicKey: live.keyFile }),
      differs: live.publicKey === undefined ? [] : different(read, live),
      enabled: live.enabled,
      running: live.active && live.publicKey !== undefined,
      tunnels: Object.fromEntries(
        read.peers.map(({ publicKey: key }) => [key, isAlive(live.handshakeAges[key]) ? "up" : "down"]),
      ),
    };
  },

  plan(want, seen) {
    const { name } = want;
    const steps: Step[] = [];
    const path = configurationOf(name);
    if (seen?.publicKey === undefined || (seen.file === "ours" && seen.keyVersion !== want.keyVersion)) {
      const argv = ["sh", "-euc", makeKeyScript, "sh", keyOf(name)];
      steps.push(run(`make private key ${want.keyVersion} of ${name}`, argv, { property: "keyVersion" }));
    }
    const property = changed(want, seen);
    if (property !== undefined) {
      const content = configurationText(want, want.presharedKeys);
      const secret = Object.keys(want.presharedKeys).length > 0;
      const file = { path, content, owner: "root", group: "root", mode: "0600", property };
      steps.push(write(`write ${path}`, secret ? { ...file, secret } : file));
    }
    const unit = `wg-quick@${name}.service`;
    if (seen?.enabled !== true) steps.push(systemctl("enable", "enable", unit, "enabled"));
    if (steps.some(({ property }) => property !== "enabled") || seen?.running !== true || seen.differs.length > 0) {
      steps.push(act("restart", unit, [], 60, seen?.running === true ? "differs" : "running"));
    }
    return steps;
  },

  remove({ name, enabled, running, file, publicKey }) {
    const unit = `wg-quick@${name}.service`;
    const files = [configurationOf(name), keyOf(name)];
    return [
      ...(enabled || running ? [run(`stop and disable ${unit}`, ["systemctl", "disable", "--now", "--", unit])] : []),
      ...(file !== "absent" || publicKey !== undefined
        ? [run(`remove ${files.join(" and ")}`, ["rm", "-f", "--", ...files])]
        : []),
    ];
  },

  refuse(want, seen, ours) {
    if (ours || seen === undefined || wireGuard.plan(want, seen).length === 0) return undefined;
    return {
      why: `the interface ${want.name} exists already, was not made by this program, and differs`,
      remedy: "Choose another name, or take it over with `pulumi import`.",
    };
  },

  warn({ name, peers }, seen) {
    if (seen?.running !== true) return [];
    return peers
      .filter(({ publicKey, keepalive }) => keepalive > 0 && seen.tunnels[publicKey] === "down")
      .map(
        ({ publicKey, endpoint }) =>
          `${name}: the tunnel to ${endpoint ?? publicKey} is down: no handshake for ${rejectAfter} s. Look at the other end, and whether it knows the public key ${seen.publicKey}.`,
      );
  },

  guard(want, seen) {
    const name = seen?.name ?? want?.name ?? "";
    const unit = `wg-quick@${name}.service`;
    // What ran comes back with its old file and key; what did not run goes, whatever state it is in by then.
    const restore = [
      ["systemctl", seen?.enabled ? "enable" : "disable", "--", unit],
      seen?.running ? ["systemctl", "restart", "--", unit] : ["sh", "-c", takeDownScript, "sh", name],
    ];
    const seconds = want?.confirmSeconds ?? fields.confirmSeconds.parse(undefined);
    return { name: "vpn", files: [configurationOf(name), keyOf(name)], restore, seconds };
  },
};

/** A new private key, whole or not at all, and readable by root alone. The folder is the package's. */
const makeKeyScript = `umask 077
mkdir -p "\${1%/*}"
wg genkey >"$1.new"
sync "$1.new"
mv -f "$1.new" "$1"`;

/**
 * Takes an interface down whose file is gone already, so that wg-quick cannot. wireguard-go ends with the unit and takes
 * the interface along, the kernel's own stays. May be said twice.
 */
const takeDownScript = `systemctl stop -- "wg-quick@$1.service"
systemctl reset-failed -- "wg-quick@$1.service"
! ip link show dev "$1" >/dev/null 2>&1 || ip link delete dev "$1"`;

function acrossPeers({ peers, presharedKeys }: WireGuardWant, problems: Problems): void {
  const seen = new Set<string>();
  const owners = new Map<string, string>();
  for (const [index, { publicKey: key, allowedIps }] of (peers ?? []).entries()) {
    if (seen.has(key))
      problems.add(["peers", index, "publicKey"], "is another peer's too; each peer has a key of its own");
    seen.add(key);
    for (const range of allowedIps) {
      const owner = owners.get(range);
      if (owner !== undefined && owner !== key) {
        problems.add(
          ["peers", index, "allowedIps"],
          `${range} is another peer's too; WireGuard would take it from that one`,
        );
      }
      owners.set(range, key);
    }
  }
  if (problems.isUnknown("peers")) return;
  for (const key of Object.keys(presharedKeys ?? {}).filter((key) => !seen.has(key))) {
    problems.add(["presharedKeys"], `there is no peer ${key}`);
  }
}

/** The first property in which the file is not as wanted; it is shown in the preview where no input differs. */
function changed(want: WireGuardWant, seen: WireGuardSeen | undefined): string | undefined {
  if (seen === undefined || seen.file !== "ours") return "file";
  const keys = ["addresses", "listenPort", "mtu", "peers", "presharedKeys", "keyVersion"] as const;
  return keys.find((key) => configured(want[key]) !== configured(seen[key]));
}

function configured(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}

/** In what a running interface is not as its file says. Endpoints roam, so they are not compared. */
function different({ addresses, listenPort, peers }: WireGuardConfiguration, live: WireGuardLive): string[] {
  const shape = (all: WireGuardLive["peers"]) =>
    JSON.stringify(
      all
        .map(({ publicKey, allowedIps, keepalive }) => [publicKey, allowedIps, keepalive] as const)
        .sort(([one], [other]) => (one < other ? -1 : 1)),
    );
  return [
    ...(live.publicKey === live.keyFile ? [] : ["privateKey"]),
    ...(configured(sortedWords(live.addresses)) === configured(addresses) ? [] : ["addresses"]),
    ...(listenPort === 0 || listenPort === live.listenPort ? [] : ["listenPort"]),
    ...(shape(peers) === shape(live.peers) ? [] : ["peers"]),
  ];
}
