import { createSocket } from "node:dgram";
import { once } from "node:events";
import { BlockList, isIPv6 } from "node:net";
import type { VpnSettings } from "./settings.ts";

/**
 * Whether it is the VPN that is down when a host does not answer: a machine that has dialled in sends its packets to the
 * host from an address of the VPN's (ACC-1).
 *
 * @param host Name or address that did not answer.
 */
export async function vpnHint({ name, ranges }: VpnSettings, host: string): Promise<string> {
  const from = await sourceAddress(host);
  if (from !== undefined && isWithin(from, ranges)) {
    return `The VPN is up: ${name} has given this machine ${from}. So it is the server, or a firewall behind the VPN, that does not answer.`;
  }
  const why =
    from === undefined
      ? `this machine has no route to ${host}`
      : `packets to ${host} leave this machine from ${from}, which is not of the VPN's ${ranges.join(", ")}`;
  return `The VPN looks down: ${name}; ${why}. Dial in, then run it again.`;
}

/** The address from which this machine would send to a host; nothing is sent. */
async function sourceAddress(host: string): Promise<string | undefined> {
  const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
  try {
    // Port 9 is discard (RFC 863); connecting a datagram socket only chooses the route.
    socket.connect(9, host);
    await once(socket, "connect");
    return socket.address().address;
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}

function isWithin(address: string, ranges: readonly string[]): boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [start = "", bits] = range.split("/");
    list.addSubnet(start, Number(bits), isIPv6(start) ? "ipv6" : "ipv4");
  }
  return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
