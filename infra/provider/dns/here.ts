import { getServers } from "node:dns";
import { isIPv6 } from "node:net";
import { sourceAddress } from "../source-address.ts";
import type { NameServer } from "./exchange.ts";

/** Resolvers that see what the world sees: those that are given, else those of this machine. */
export function resolversOutside(given: readonly string[], own: readonly string[] = getServers()): NameServer[] {
  if (given.length > 0) return given.map((address) => ({ address, port: 53 }));
  return own.map((text) => {
    // A port other than 53 stands behind it: `10.0.0.53:5353`, `[fd00::53]:5353`.
    const [, v6, v4, port] = /^(?:\[(.+)\]|([0-9.]+)):(\d+)$/.exec(text) ?? [];
    const address = v6 ?? v4;
    return address === undefined ? { address: text, port: 53 } : { address, port: Number(port) };
  });
}

/** Families by which this machine reaches anything: of the other, a name server's addresses say nothing here. Sends nothing. */
export async function familiesHere(outside: readonly NameServer[]): Promise<("ipv4" | "ipv6")[]> {
  // Addresses of a.root-servers.net; only the route to them is looked up.
  const [v4, v6] = await Promise.all([sourceAddress("198.41.0.4"), sourceAddress("2001:503:ba3e::2:30")]);
  const has = (six: boolean) => outside.some(({ address }) => isIPv6(address) === six);
  return [
    ...(v4 !== undefined || has(false) ? (["ipv4"] as const) : []),
    ...(v6 !== undefined || has(true) ? (["ipv6"] as const) : []),
  ];
}
