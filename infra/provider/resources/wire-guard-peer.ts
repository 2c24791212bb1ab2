import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { byFields } from "../fields.ts";
import type { Kind } from "../kind.ts";
import { HostResource, type Inputs } from "../resource.ts";
import { run, type Step, write } from "../step.ts";
import { interfaceName, isAlive, keepalive, peerRanges, publicKey } from "../wire-guard-values.ts";
import {
  bootText,
  dropInOf,
  peerFileOf,
  peerLookScript,
  peerText,
  readPeerFile,
  readPeerLive,
} from "./wire-guard-peer-texts.ts";

/** One peer of a WireGuard interface that somebody else keeps: the hub's side of a server's tunnel. */
export interface WireGuardPeerArgs {
  /** The hub's interface, which is there and comes up by wg-quick(8): `wg0`. Changing it replaces the peer. */
  interface: string;
  /** Name of the peer, for its file: the server's host name. Changing it replaces the peer. */
  name: string;
  /** The peer's public key: output `publicKey` of its `WireGuard`. */
  publicKey: string;
  /** Ranges that are reached through it, and from which it may send: the server's addresses in the tunnel. */
  allowedIps: string[];
  /**
   * Seconds between packets that keep a NAT in between open, 0 to 65535; 0: none. The side behind the NAT sends them.
   * @default 0
   */
  keepalive?: number;
  /** A second secret, as `wg genpsk` prints it; both ends have the same. May be a secret. */
  presharedKey?: string;
}

interface WireGuardPeerWant {
  interface: string;
  name: string;
  publicKey: string;
  allowedIps: string[];
  keepalive: number;
  presharedKey?: string;
}

/** The peer as its file has it, and whether the interface has it so. */
export interface WireGuardPeerSeen extends WireGuardPeerWant {
  /** `absent`, `ours`, or `foreign`: changed by hand. */
  file: "absent" | "ours" | "foreign";
  /** Whether the interface gets it again when it comes up, or is loaded anew. */
  atBoot: boolean;
  /** Whether the interface is up. */
  up: boolean;
  /** What of the peer in the running interface is not as the file says; `absent` where it does not know the peer. */
  differs: string[];
  /** Another peer of the interface that has one of the ranges: its public key by range. */
  taken: Record<string, string>;
  /** Whether its last handshake is young enough to send by. */
  tunnel: "up" | "down";
}

const fields = {
  interface: interfaceName,
  name: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, "must be a host name in lower case, as the name of a file"),
  publicKey,
  allowedIps: peerRanges,
  keepalive,
  presharedKey: publicKey.optional(),
};

/**
 * One peer of a WireGuard interface that is there already: what the vendor's hub must know of a server. Other peers, and
 * the interface's own file, are left alone: the peer stands in a file of its own, `/etc/wireguard/wg0.peers/NAME.conf`, and a
 * drop-in of `wg-quick@wg0.service` adds what is there whenever the interface comes up or is reloaded.
 *
 * @example
 * new WireGuardPeer("server", {
 *   interface: "wg0",
 *   name: "os2mo.kommune.dk",
 *   publicKey: "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=",
 *   allowedIps: ["10.99.0.2/32"],
 * });
 */
export class WireGuardPeer extends HostResource<WireGuardPeerArgs> {
  declare readonly name: Output<string>;
  declare readonly publicKey: Output<string>;
  /** `up` or `down`, by the age of the last handshake. */
  declare readonly tunnel: Output<"up" | "down">;

  constructor(name: string, args: Inputs<WireGuardPeerArgs>, options?: CustomResourceOptions) {
    super(wireGuardPeer.type, name, args, ["file", "atBoot", "up", "differs", "taken", "tunnel"], options);
  }
}

/** The lifecycle of `WireGuardPeer`. */
export const wireGuardPeer: Kind<WireGuardPeerWant, WireGuardPeerSeen> = {
  type: "onprem:linux:WireGuardPeer",
  summary: "One peer of a WireGuard interface that is there already: the hub's side of a server's tunnel.",
  fields,
  confidential: ["presharedKey"],
  independent: ["tunnel"],
  identity: ["interface", "name"],
  check: byFields<WireGuardPeerWant>(fields),
  named(id) {
    const [given = "", name = "", ...more] = id.split(",");
    const fits = fields.interface.safeParse(given).success && fields.name.safeParse(name).success && more.length === 0;
    return fits ? { interface: given, name } : undefined;
  },

  async observe(host, { interface: device = "", name = "", publicKey: key, allowedIps, presharedKey }) {
    const [[file], [dropIn], { stdout }] = await Promise.all([
      host.inspect(peerFileOf(device, name), { content: 64 * 1024 }),
      host.inspect(dropInOf(device), { content: 64 * 1024 }),
      host.look(["sh", "-c", peerLookScript, "sh", device, peerFileOf(device, name)]),
    ]);
    const read = file === undefined ? undefined : readPeerFile(new TextDecoder().decode(file.content));
    const live = readPeerLive(stdout);
    const wanted = read?.publicKey ?? key ?? "";
    const present = live.peers[wanted];
    // For an import, whose key nobody knows yet.
    if (read === undefined && key === undefined) return undefined;
    const ranges = read?.allowedIps ?? present?.allowedIps ?? [];
    const preshared = read?.presharedKey;
    const guarded = file?.owner === "root" && file.mode === "0600";
    return {
      interface: device,
      name,
      publicKey: wanted,
      allowedIps: ranges,
      keepalive: read?.keepalive ?? present?.keepalive ?? 0,
      ...(preshared === undefined ? {} : { presharedKey: presharedKey === undefined ? "set" : preshared }),
      file: read === undefined ? "absent" : read.ours && guarded ? "ours" : "foreign",
      atBoot: new TextDecoder().decode(dropIn?.content) === bootText,
      up: live.up,
      differs: read === undefined || !live.up ? [] : different(read, present, live.presharedDiffers),
      taken: takenBy(live.peers, [wanted, key], allowedIps ?? ranges),
      tunnel: isAlive(present?.handshakeAge) ? "up" : "down",
    };
  },

  plan(want, seen) {
    const { interface: device, name } = want;
    const path = peerFileOf(device, name);
    const steps: Step[] = [];
    const isNew = seen === undefined || seen.file === "absent";
    if (seen?.atBoot !== true) {
      const file = { path: dropInOf(device), content: bootText, owner: "root", group: "root", mode: "0644" };
      steps.push(
        run(`make the folder of ${file.path}`, ["mkdir", "-p", "--", parent(file.path)], { property: "atBoot" }),
        write(`write ${file.path}`, { ...file, property: "atBoot" }),
        run("let systemd read its units anew", ["systemctl", "daemon-reload"], { property: "atBoot" }),
      );
    }
    const property = changed(want, seen);
    if (property !== undefined) {
      const secret = want.presharedKey !== undefined;
      const file = { path, content: peerText(want), owner: "root", group: "root", mode: "0600", property };
      steps.push(
        ...(isNew
          ? [run(`make the folder of ${path}`, ["install", "-d", "-m", "0700", "--", parent(path)], { property })]
          : []),
        write(`write ${path}`, secret ? { ...file, secret } : file),
      );
    }
    if (seen !== undefined && !isNew && seen.publicKey !== want.publicKey)
      steps.push(forgetPeer(device, seen.publicKey));
    // The interface keeps a pre-shared key that a file does not name.
    const gone = property === "presharedKey" || (seen?.differs.includes("presharedKey") ?? false);
    if (gone && seen?.publicKey === want.publicKey) steps.push(forgetPeer(device, want.publicKey));
    if (property !== undefined || (seen?.differs.length ?? 0) > 0) {
      steps.push(
        run(`load ${path} into ${device}`, ["wg", "addconf", device, path], { property: property ?? "differs" }),
      );
    }
    return steps;
  },

  remove({ interface: device, name, publicKey: key, file, up }) {
    if (file === "absent") return [];
    const argv = ["sh", "-euc", removeScript, "sh", device, peerFileOf(device, name), dropInOf(device)];
    return [...(up ? [forgetPeer(device, key)] : []), run(`remove ${peerFileOf(device, name)}`, argv)];
  },

  refuse(want, seen, ours) {
    if (seen?.up !== true) {
      return {
        why: `there is no WireGuard interface ${want.interface} on it, or it is down`,
        remedy: `Bring it up first, on that host: \`systemctl enable --now wg-quick@${want.interface}\`.`,
      };
    }
    const [range, owner] = Object.entries(seen.taken)[0] ?? [];
    if (range !== undefined) {
      return {
        why: `${range} belongs to another peer of ${want.interface}: ${owner}. WireGuard would take it from that one`,
        remedy: "Choose an address that is free; each server has its own.",
      };
    }
    if (ours || seen.file === "absent" || wireGuardPeer.plan(want, seen).length === 0) return undefined;
    return {
      why: `${peerFileOf(want.interface, want.name)} exists already, was not made by this program, and differs`,
      remedy: "Choose another name, or take it over with `pulumi import`.",
    };
  },
};

/** Deletes the peer's file, and what only the last of them needs. */
const removeScript = `rm -f -- "$2"
folder=\${2%/*}
rmdir --ignore-fail-on-non-empty -- "$folder" 2>/dev/null || true
[ ! -d "$folder" ] || exit 0
rm -f -- "$3"
rmdir --ignore-fail-on-non-empty -- "\${3%/*}" 2>/dev/null || true
systemctl daemon-reload`;

function forgetPeer(device: string, key: string): Step {
  return run(`take the peer ${key} from ${device}`, ["wg", "set", device, "peer", key, "remove"], {
    property: "publicKey",
  });
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** The first property in which the file is not as wanted. */
function changed(want: WireGuardPeerWant, seen: WireGuardPeerSeen | undefined): string | undefined {
  if (seen === undefined || seen.file !== "ours") return "file";
  const keys = ["publicKey", "presharedKey", "allowedIps", "keepalive"] as const;
  return keys.find((key) => JSON.stringify(want[key]) !== JSON.stringify(seen[key]));
}

type LivePeers = ReturnType<typeof readPeerLive>["peers"];

/** In what the interface does not have the peer as its file says. */
function different(
  read: ReturnType<typeof readPeerFile>,
  present: LivePeers[string] | undefined,
  presharedDiffers: boolean,
): string[] {
  if (present === undefined) return ["absent"];
  return [
    ...(JSON.stringify(read.allowedIps) === JSON.stringify(present.allowedIps) ? [] : ["allowedIps"]),
    ...(read.keepalive === present.keepalive ? [] : ["keepalive"]),
    ...(presharedDiffers ? ["presharedKey"] : []),
  ];
}

/** Ranges that another peer has, with its key. */
function takenBy(
  peers: LivePeers,
  own: readonly (string | undefined)[],
  ranges: readonly string[],
): Record<string, string> {
  const others = Object.entries(peers).filter(([key]) => !own.includes(key));
  return Object.fromEntries(
    ranges.flatMap((range) => {
      const owner = others.find(([, { allowedIps }]) => allowedIps.includes(range));
      return owner === undefined ? [] : [[range, owner[0]] as const];
    }),
  );
}
