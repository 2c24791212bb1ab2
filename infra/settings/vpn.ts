import { isIP } from "node:net";
import { z } from "zod";
import { interfaceAddresses, keepalive, mtu, peerRanges, publicKey } from "../provider/wire-guard-values.ts";
import { range } from "./addresses.ts";
import type { FirewallSettings } from "./firewall.ts";
import { type Login, login, withWay } from "./login.ts";

/** Name of the outbound entry that the tunnel takes. */
export const vpnEntry = "vpn";

/** `ADDRESS:PORT`, an IPv6 address in brackets. An address and no name: the firewall lets packets out to it alone. */
const hubEndpoint = z
  .string()
  .refine(
    (text) => addressOf(text) !== undefined,
    "must be ADDRESS:PORT, such as 198.51.100.20:51820; the firewall opens this address and no other",
  );

const customer = z.strictObject({
  product: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .describe("What kind of VPN it is, as people call it: `OpenVPN`, `Cisco AnyConnect`."),
  endpoint: z.string().trim().min(1).max(200).describe("Where one dials in, for people: `vpn.kommune.dk`."),
  ranges: z
    .array(range)
    .min(1)
    .describe("Ranges or addresses that its users have on the way to the servers; they may use SSH, too."),
});

const wireguard = z.strictObject({
  addresses: interfaceAddresses.describe("Addresses of the server in the tunnel, in CIDR notation: `10.99.0.2/32`."),
  hub: z
    .strictObject({
      endpoint: hubEndpoint.describe("Where the vendor's hub listens: `ADDRESS:PORT`."),
      publicKey: publicKey.describe("The hub's public key, as `wg show` prints it there."),
      ranges: peerRanges.describe("Ranges that are reached through the hub; they may use SSH, too."),
      interface: z.string().min(1).max(15).default("wg0").describe("Name of the hub's interface."),
      login: login
        .optional()
        .describe(
          "How the hub itself is logged in to: then the server's peer is kept there, too. Without it the output `tunnel.hubPeer` has what the hub must be told.",
        ),
    })
    .describe("The vendor's hub, to which the server dials out."),
  keepalive: keepalive
    .unwrap()
    .default(25)
    .describe("Seconds between packets that keep a NAT in between open, 0 to 65535; 0: none."),
  mtu: mtu.describe("Bytes of the largest packet in the tunnel, 1280 to 9000; 0 leaves it to wg-quick."),
  presharedKey: publicKey
    .optional()
    .describe("A second secret, from `wg genpsk`, that the hub has too.")
    .meta({ secret: true }),
  keyVersion: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1)
    .describe("Number of the server's private key. Another number makes another key; the old one is gone."),
});

/** How the server's environment is reached (ACC-1, ACC-4, Q-SRV-10). */
export const vpn = z
  .strictObject({
    customer: customer.optional().describe("The customer's own VPN: described here, and provided by the customer."),
    wireguard: wireguard
      .optional()
      .describe(
        "A tunnel that the server itself opens to the vendor's hub, so that no port is opened inwards (ACC-4).",
      ),
  })
  .describe("The VPN by which the server is reached: one of the two, or none.");

/** The VPN, complete. */
export interface VpnSettings extends Omit<z.output<typeof vpn>, "wireguard"> {
  wireguard?: Omit<z.output<typeof wireguard>, "hub"> & {
    hub: Omit<z.output<typeof wireguard>["hub"], "login"> & { login?: Login };
  };
}

/** Fills in how the hub is logged in to. */
export function completeVpn(read: z.output<typeof vpn>): VpnSettings {
  const { wireguard: tunnel, ...rest } = read;
  if (tunnel === undefined) return rest;
  const { login: given, ...hub } = tunnel.hub;
  return {
    ...rest,
    wireguard: { ...tunnel, hub: given === undefined ? hub : { ...hub, login: withWay(given as Login) } },
  };
}

/** Address and port of an endpoint; `undefined` where it is none. */
export function addressOf(endpoint: string): { address: string; port: number } | undefined {
  const [, v6, v4, digits] = /^(?:\[([0-9A-Fa-f:]+)\]|([0-9.]+)):([1-9]\d{0,4})$/.exec(endpoint) ?? [];
  const [address = "", port] = [v6 ?? v4, Number(digits)];
  return isIP(address) === (v6 === undefined ? 4 : 6) && port <= 65535 ? { address, port } : undefined;
}

/** Whether a host's address is its own in a tunnel. */
export function isInTunnel(
  host: string,
  { addresses }: Pick<NonNullable<VpnSettings["wireguard"]>, "addresses">,
): boolean {
  return addresses.some((address) => address.split("/")[0] === host);
}

/** Ranges from which people come through the VPN. */
export function vpnRanges({ customer, wireguard }: VpnSettings): readonly string[] {
  return [...(customer?.ranges ?? []), ...(wireguard?.hub.ranges ?? [])];
}

/** What messages call it: what it is, and where one dials in. */
export function vpnName({ customer, wireguard }: VpnSettings): string {
  if (customer !== undefined) return `${customer.product} (${customer.endpoint})`;
  return wireguard === undefined ? "none" : `WireGuard (the hub ${wireguard.hub.endpoint})`;
}

/** The firewall with what the VPN needs: SSH from it, and the way out to its hub. */
export function withVpn(firewall: FirewallSettings, settings: VpnSettings): FirewallSettings {
  const management = [...new Set([...firewall.management, ...vpnRanges(settings)])];
  const hub = addressOf(settings.wireguard?.hub.endpoint ?? "");
  if (hub === undefined) return { ...firewall, management };
  const to = [`${hub.address}/${hub.address.includes(":") ? 128 : 32}`];
  return {
    ...firewall,
    management,
    egress: { ...firewall.egress, [vpnEntry]: { protocol: "udp", ports: [hub.port], to } },
  };
}
