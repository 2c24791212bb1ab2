import { ComponentResource, type ComponentResourceOptions, type Output, output, secret } from "@pulumi/pulumi";
import type { Facts } from "../provider/resources/facts.ts";
import { Package } from "../provider/resources/package.ts";
import { Provider } from "../provider/resources/provider.ts";
import { WireGuard } from "../provider/resources/wire-guard.ts";
import { WireGuardPeer } from "../provider/resources/wire-guard-peer.ts";
import type { VpnSettings } from "../settings/vpn.ts";
import { asideHost } from "./aside-host.ts";
import { type ChildOptions, childOptions } from "./child-options.ts";

/** Name of the tunnel's interface on the server; nobody else's is called so. */
export const tunnelInterface = "wg-os2mo";

/** The tunnel from a server to the vendor's hub. */
export interface VpnArgs {
  /** The settings of `vpn.wireguard`. */
  tunnel: NonNullable<VpnSettings["wireguard"]>;
  /** The server's whole name: that of its peer on the hub. */
  hostname: string;
  /** Whether the server's kernel has WireGuard; else a program does its work. */
  facts: Pick<Facts, "wireguard">;
  /**
   * Whether the server is reached through this tunnel. Then neither end may be deleted: with the first of them gone, the run could reach
   * nothing more of the server.
   */
  reachedThrough: boolean;
}

/** What people need of a tunnel. */
export interface Tunnel {
  /** The server's public key. */
  publicKey: Output<string>;
  /** `up` or `down`, by the age of the last handshake. */
  state: Output<"up" | "down">;
  /** What the hub must be told, as text for its configuration; left out where the hub is kept by this stack. */
  hubPeer?: Output<string>;
}

/**
 * WireGuard from the server outwards (ACC-1, ACC-4): the server's private key is made there and stays there. Where the
 * hub's own login is configured, its peer is kept on it, too; else the output says what is to be written there.
 *
 * `dependsOn` of the options holds for every child.
 */
export class Vpn extends ComponentResource {
  readonly tunnel: Tunnel;

  constructor(name: string, args: VpnArgs, options: ComponentResourceOptions) {
    super("os2mo:server:Vpn", name, {}, options);
    const child = childOptions(this, options);
    const server = createInterface(name, args, child);
    const { hub } = args.tunnel;
    const peer = hub.login === undefined ? undefined : createPeer(name, args, hub.login, server, this);
    const state = output(server.tunnels).apply((tunnels) => tunnels?.[hub.publicKey] ?? "down");
    this.tunnel = {
      publicKey: server.publicKey,
      state,
      ...(peer === undefined ? { hubPeer: hubPeer(args, server) } : {}),
    };
    this.registerOutputs({ ...this.tunnel });
  }
}

function createInterface(name: string, { tunnel, facts, reachedThrough }: VpnArgs, options: ChildOptions): WireGuard {
  const packages = output(facts.wireguard).apply((inKernel) => ({
    "wireguard-tools": "installed" as const,
    ...(inKernel ? {} : { "wireguard-go": "installed" as const }),
  }));
  const installed = new Package(`${name}-packages`, { packages }, options);
  const { addresses, hub, keepalive, mtu, presharedKey, keyVersion } = tunnel;
  return new WireGuard(
    name,
    {
      name: tunnelInterface,
      addresses,
      mtu,
      keyVersion,
      peers: [{ publicKey: hub.publicKey, endpoint: hub.endpoint, allowedIps: [...hub.ranges], keepalive }],
      presharedKeys: presharedKey === undefined ? {} : { [hub.publicKey]: secret(presharedKey) },
    },
    { ...options, dependsOn: installed, protect: reachedThrough },
  );
}

type HubLogin = NonNullable<VpnArgs["tunnel"]["hub"]["login"]>;

/** On the hub, by a connection of its own. */
function createPeer(name: string, args: VpnArgs, login: HubLogin, server: WireGuard, parent: Vpn) {
  const { tunnel, hostname, reachedThrough } = args;
  const provider = new Provider(`${name}-hub`, { ...asideHost(login), label: `the hub ${login.host}` }, { parent });
  const { hub, addresses, presharedKey } = tunnel;
  return new WireGuardPeer(
    `${name}-hub`,
    {
      interface: hub.interface,
      name: hostname,
      publicKey: server.publicKey,
      allowedIps: hostRanges(addresses),
      ...(presharedKey === undefined ? {} : { presharedKey: secret(presharedKey) }),
    },
    { parent, provider, protect: reachedThrough },
  );
}

/** The server's own addresses in the tunnel, without the network that they stand in. */
function hostRanges(addresses: readonly string[]): string[] {
  return addresses.map((address) => {
    const [host = ""] = address.split("/");
    return `${host}/${host.includes(":") ? 128 : 32}`;
  });
}

/** Secret where it holds the second secret. */
function hubPeer(args: VpnArgs, server: WireGuard): Output<string> {
  const text = server.publicKey.apply((key) => hubPeerText(args, key));
  return args.tunnel.presharedKey === undefined ? text : secret(text);
}

/**
 * For wg-quick(8) on the hub, and the command that adds it at once and takes nobody else's peer away, those of other stacks
 * (`WireGuardPeer`) included.
 */
export function hubPeerText({ tunnel, hostname }: Pick<VpnArgs, "tunnel" | "hostname">, publicKey: string): string {
  const { hub, addresses, presharedKey } = tunnel;
  const ranges = hostRanges(addresses).join(", ");
  const file = `/etc/wireguard/${hub.interface}.conf`;
  return [
    `# ${hostname}: append this to ${file} on the hub, then: systemctl reload wg-quick@${hub.interface}`,
    "[Peer]",
    `PublicKey = ${publicKey}`,
    ...(presharedKey === undefined ? [] : [`PresharedKey = ${presharedKey}`]),
    `AllowedIPs = ${ranges}`,
    "",
  ].join("\n");
}
