import { BlockList, isIP, isIPv6 } from "node:net";
import { isInRanges } from "../provider/ranges.ts";
import type { ServerSettings } from "./server.ts";
import type { VpnSettings } from "./vpn.ts";

/** What tells the server's address in the customer's network. */
export type Reached = Pick<ServerSettings, "address" | "host" | "port">;

/**
 * The server's address in the customer's own network: `server.address`, else `server.host` where nothing says that it is another way
 * to the server: a name, an end of a tunnel, a forwarded port. `undefined` where only the customer knows it. Pure.
 */
export function customerAddress({ address, host, port }: Reached, vpn: VpnSettings): string | undefined {
  if (address !== undefined) return address;
  const other = isIP(host) === 0 || isLoopback(host) || port !== 22 || isInRanges(host, tunnelRanges(vpn));
  return other ? undefined : host;
}

const own = new BlockList();
own.addSubnet("127.0.0.0", 8, "ipv4");
own.addAddress("::1", "ipv6");

/** Whether a name or an address is this machine's own (RFC 5735, RFC 6761): the near end of a tunnel that somebody opened here. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 0) return /(^|\.)localhost$/.test(host);
  return own.check(host, isIPv6(host) ? "ipv6" : "ipv4");
}

/** Whether a range lies in one of others, all in CIDR notation. */
export function liesIn(range: string, others: readonly string[]): boolean {
  const [start = "", bits] = range.split("/");
  return others.some((other) => Number(bits) >= Number(other.split("/")[1]) && isInRanges(start, [other]));
}

/** Addresses that are met inside the tunnel alone. */
function tunnelRanges({ wireguard }: VpnSettings): string[] {
  return wireguard === undefined ? [] : [...wireguard.addresses, ...wireguard.hub.ranges];
}
