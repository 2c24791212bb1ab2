import { BlockList, isIP, isIPv6 } from "node:net";
import { z } from "zod";
import { addressRange, fewestBits, isAsGoodAsEverybody, isOneAddress } from "../provider/ranges.ts";
import { isHost } from "./names.ts";

/** A name in DNS or an address. */
export const host = z
  .string()
  .refine(
    (text) => isHost(text, (address) => isIP(address) !== 0),
    "must be a host name in lower case or an IP address",
  );

/** A range in CIDR notation, or one address, which becomes a range of its own. Refuses what is as good as everybody (Q-SRV-5, Q-SRV-6). */
export const range = addressRange.refine(
  (text) => !isAsGoodAsEverybody(text),
  `must name somebody: a prefix of at least ${fewestBits} bits, not as good as everybody`,
);

export { isAsGoodAsEverybody };

/** The address of one host, as a range of its own. */
export const oneAddress = addressRange.refine(isOneAddress, "must be the address of one host, not a range");

/** Ranges that are reserved for examples (RFC 5737, RFC 3849): no server of anybody is there. */
export const exampleRanges = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"] as const;

const examples = new BlockList();
for (const text of exampleRanges) {
  const [address = "", bits = 0] = splitRange(text);
  examples.addSubnet(address, bits, isIPv6(address) ? "ipv6" : "ipv4");
}

/** Whether an address or a range lies in those reserved for examples. */
export function isExampleAddress(text: string): boolean {
  const [address = ""] = splitRange(text);
  const family = isIP(address);
  return family !== 0 && examples.check(address, family === 4 ? "ipv4" : "ipv6");
}

function splitRange(text: string): [address: string, bits?: number] {
  const match = /^([^/]*)\/(\d{1,3})$/.exec(text);
  return match === null ? [text] : [match[1] ?? "", Number(match[2])];
}
