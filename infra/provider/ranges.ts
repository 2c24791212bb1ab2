import { BlockList, isIP, isIPv6 } from "node:net";
import { z } from "zod";

/**
 * A range in CIDR notation, or one address, in the form that nftables prints: `10.0.0.0/8`, `2001:db8::/32`. A single
 * address becomes a range of its own. Everybody is `0.0.0.0/0` or `::/0`.
 */
export const addressRange = z.string().transform((text, context) => {
  const [address = "", bits, ...more] = text.split("/");
  const refuse = (message: string) => {
    context.addIssue({ code: "custom", message, input: text });
    return z.NEVER;
  };
  const family = isIP(address);
  if (family === 0 || address.includes("%")) return refuse('must be a range such as "10.0.0.0/8", or an IP address');
  const bytes = family === 4 ? address.split(".").map(Number) : bytesOfV6(address);
  const width = bytes.length * 8;
  if (more.length > 0 || (bits !== undefined && (!/^(0|[1-9]\d{0,2})$/.test(bits) || Number(bits) > width))) {
    return refuse(`must have a prefix of 0 to ${width} bits`);
  }
  const length = Number(bits ?? width);
  const start = bytes.map((byte, index) => byte & ~(0xff >> Math.min(Math.max(length - index * 8, 0), 8)));
  if (start.some((byte, index) => byte !== bytes[index])) {
    return refuse(`must begin at the start of its range: ${written(start)}/${length}`);
  }
  // Also printed in another form by every tool, and never seen in a packet.
  if (family === 6 && length > 0 && bytes.slice(0, 10).every((byte) => byte === 0)) {
    return refuse("must be written as an IPv4 range");
  }
  return `${written(bytes)}/${length}`;
});

/** An IP address, without a zone. */
export const ipAddress = z.string().refine((text) => isIP(text) !== 0 && !text.includes("%"), "must be an IP address");

/** The fewest bits of a prefix that still means somebody: the private ranges 10.0.0.0/8 and fd00::/8 are the widest in use. */
export const fewestBits = 8;

/** Whether a range, in the form above, is so wide that it is as good as everybody (Q-SRV-5, Q-SRV-6). */
export function isAsGoodAsEverybody(range: string): boolean {
  return Number(/\/(\d+)$/.exec(range)?.[1] ?? fewestBits) < fewestBits;
}

/** Whether a range, in the form above, is one address. */
export function isOneAddress(range: string): boolean {
  return range.endsWith(range.includes(":") ? "/128" : "/32");
}

/** An address as its tools print it. The URL parser shortens an IPv6 address (RFC 5952). */
function written(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = bytes.flatMap((byte, index) => (index % 2 ? [] : [byte * 256 + (bytes[index + 1] ?? 0)]));
  return shortest(groups.map((group) => group.toString(16)).join(":"));
}

/** An address as it is compared and printed: IPv6 in its shortest form (RFC 5952). */
export function shortAddress(address: string): string {
  return isIPv6(address) ? shortest(address) : address;
}

/** The bytes of an address: four or sixteen. */
export function bytesOfAddress(address: string): number[] {
  return isIPv6(address) ? bytesOfV6(address) : address.split(".").map(Number);
}

/** Whether an address lies in one of some ranges, in the form above. */
export function isInRanges(address: string, ranges: readonly string[]): boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [start = "", bits] = range.split("/");
    list.addSubnet(start, Number(bits), isIPv6(start) ? "ipv6" : "ipv4");
  }
  return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

function shortest(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

function bytesOfV6(address: string): number[] {
  // The URL parser also writes an IPv4 tail as two groups.
  const [head = [], tail] = shortest(address)
    .split("::")
    .map((half) => (half === "" ? [] : half.split(":")));
  const zeros = tail === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array<string>(zeros).fill("0"), ...(tail ?? [])];
  return groups.map((group) => Number.parseInt(group, 16)).flatMap((group) => [group >> 8, group & 0xff]);
}
