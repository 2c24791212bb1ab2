import { isIP } from "node:net";
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
  if (bytes.some((byte, index) => byte & (0xff >> Math.min(Math.max(length - index * 8, 0), 8)))) {
    return refuse("must begin at the start of its range, all bits after the prefix being 0");
  }
  // Also printed in another form by every tool, and never seen in a packet.
  if (family === 6 && length > 0 && bytes.slice(0, 10).every((byte) => byte === 0)) {
    return refuse("must be written as an IPv4 range");
  }
  return `${family === 4 ? address : shortest(address)}/${length}`;
});

/** Some ranges, sorted, each once. */
export const addressRanges = z
  .array(addressRange)
  .transform((ranges) => [...new Set(ranges)].sort())
  .pipe(z.array(z.string()));

/** Whether a range is IPv4; else it is IPv6. */
export function isV4(range: string): boolean {
  return !range.includes(":");
}

/** Whether a range is everybody. */
export function isAnywhere(range: string): boolean {
  return range.endsWith("/0");
}

/** The URL parser writes an IPv6 address in its shortest form (RFC 5952), an IPv4 tail as two groups. */
function shortest(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

function bytesOfV6(address: string): number[] {
  const [head = [], tail] = shortest(address)
    .split("::")
    .map((half) => (half === "" ? [] : half.split(":")));
  const zeros = tail === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array<string>(zeros).fill("0"), ...(tail ?? [])];
  return groups.map((group) => Number.parseInt(group, 16)).flatMap((group) => [group >> 8, group & 0xff]);
}
