import { createSocket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";

/** The address from which this machine's packets go to a host, by its routes; nothing is sent. `undefined` where no route leads there. */
export async function sourceAddress(host: string): Promise<string | undefined> {
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
