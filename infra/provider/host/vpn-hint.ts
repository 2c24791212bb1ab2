import { isInRanges } from "../ranges.ts";
import { sourceAddress } from "../source-address.ts";
import type { VpnSettings } from "./settings.ts";

/**
 * Whether it is the VPN that is down when a host does not answer: a machine that has dialled in sends its packets to the
 * host from an address of the VPN's (ACC-1).
 *
 * @param host Name or address that did not answer.
 */
export async function vpnHint({ name, ranges }: VpnSettings, host: string): Promise<string> {
  const from = await sourceAddress(host);
  if (from !== undefined && isInRanges(from, ranges)) {
    return `The VPN is up: ${name} has given this machine ${from}. So it is the server, or a firewall behind the VPN, that does not answer.`;
  }
  const why =
    from === undefined
      ? `this machine has no route to ${host}`
      : `packets to ${host} leave this machine from ${from}, which is not of the VPN's ${ranges.join(", ")}`;
  return `The VPN looks down: ${name}; ${why}. Dial in, then run it again.`;
}
