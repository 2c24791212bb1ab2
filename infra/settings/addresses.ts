import { BlockList, isIP, isIPv6 } from "node:net";
import { z } from "zod";
import { isHost } from "./names.ts";

/** A name in DNS or an address. */
export const host = z
  .string()
  .refine(
    (text) => isHost(text, (address) => isIP(address) !== 0),
    "must be a host name in lower case or an IP address",
  );

/** The fewest bits of a prefix that still means somebody: the private ranges 10.0.0.0/8 and fd00::/8 are the widest in use. */
const fewestBits = 8;

/** A range in CIDR notation, or one address, which becomes a range of its own. Refuses what is as good as anywhere (Q-SRV-5, Q-SRV-6). */
export const range = z.string().transform((text, context) => {
  const [address = "", bits] = splitRange(text);
  const family = isIP(address);
  const wrong = (message: string) => {
    context.addIssue({ code: "custom", message, input: text });
    return z.NEVER;
  };
  if (family === 0) return wrong('must be a range such as "10.0.0.0/8" or "fd00::/8", or an IP address');
  if (address.includes("%")) return wrong("must not name an interface");
  const length = family === 4 ? 32 : 128;
  if (!Number.isInteger(bits ?? 0) || (bits ?? 0) > length) return wrong(`must have a prefix of 0 to ${length} bits`);
  if (bits !== undefined && bits < fewestBits) {
    return wrong(`must name somebody: a prefix of at least ${fewestBits} bits, not as good as anywhere`);
  }
  const kept = network(address, bits ?? length);
  if (kept !== network(address, length)) return wrong(`must begin at the start of its range: ${kept}/${bits}`);
  return `${kept}/${bits ?? length}`;
});

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

/** The first address of the range that an address lies in, in its shortest form (RFC 5952). */
function network(address: string, bits: number): string {
  const v6 = isIPv6(address);
  const width = v6 ? 128n : 32n;
  const masked = (value(address) >> (width - BigInt(bits))) << (width - BigInt(bits));
  if (!v6) return [24n, 16n, 8n, 0n].map((shift) => (masked >> shift) & 255n).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => (masked >> BigInt(112 - 16 * index)) & 0xffffn);
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]/`).hostname.slice(1, -1);
}

function value(address: string): bigint {
  if (!isIPv6(address)) return address.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  // The URL parser writes an IPv4 tail as groups and shortens one run of zeros.
  const [head = "", tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split("::");
  const groups = (text: string | undefined) => (text ? text.split(":") : []);
  const zeros = Array(tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length).fill("0");
  return [...groups(head), ...zeros, ...groups(tail)].reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n);
}
