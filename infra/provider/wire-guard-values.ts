import { isIP } from "node:net";
import { z } from "zod";
import { addressRange, isAsGoodAsEverybody } from "./ranges.ts";

/**
 * Name of a network interface as wg-quick(8) takes it, as far as it can be the instance of a unit without escapes
 * (systemd.unit(5)) and is no option.
 */
export const interfaceName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/, "must be the name of an interface, at most 15 characters");

/** A Curve25519 key, public or pre-shared, in the form that wg(8) prints: base64 of 32 bytes, whose last digit has two bits of its own. */
export const publicKey = z
  .string()
  .regex(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, "must be a WireGuard key: 32 bytes in base64, 44 characters");

/** What lies behind a peer: one range or more, each once, in order. */
export const peerRanges = z
  .array(
    addressRange.refine(
      (range) => !isAsGoodAsEverybody(range),
      "is as good as everything: the host would send all its traffic through the tunnel, and answer nobody else",
    ),
  )
  .min(1, "must name at least one range")
  .transform(sortedWords);

/** Addresses of an interface, as ip-address(8) takes them, each once, in order. */
export const interfaceAddresses = z
  .array(z.string().refine(isInterfaceAddress, "must be an address such as 10.99.0.2/32, as `ip address` prints it"))
  .min(1, "must name at least one address")
  .transform(sortedWords);

/** An address with the length of its network's prefix; one of IPv6 in the one form that is printed (RFC 5952), or it would differ in each look. */
function isInterfaceAddress(text: string): boolean {
  const [address = "", bits = "", ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(bits)) return false;
  if (family === 4) return Number(bits) <= 32;
  return Number(bits) <= 128 && new URL(`http://[${address}]`).hostname === `[${address}]`;
}

/** Seconds between packets that keep a NAT open. */
export const keepalive = z.int().min(0).max(65535).default(0);

/** Bytes of the largest packet in a tunnel; IPv6 needs 1280 (RFC 8200, section 5). */
export const mtu = z
  .int()
  .refine((bytes) => bytes === 0 || (bytes >= 1280 && bytes <= 9000), "must be 0, or 1280 to 9000")
  .default(0);

/** `HOST:PORT` of a peer that listens. */
export const endpoint = z.string().regex(/^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+):[1-9]\d{0,4}$/, "must be HOST:PORT");

/**
 * Seconds after which the keys of a session are thrown away, Reject-After-Time of the WireGuard paper (section 6.1):
 * without a new handshake the tunnel is down.
 */
export const rejectAfter = 180;

/** Whether a last handshake of this age, in seconds, still carries packets. */
export function isAlive(age: number | undefined): boolean {
  return age !== undefined && age < rejectAfter;
}

/** Each word once, in order. */
export function sortedWords(words: string[]): string[] {
  return [...new Set(words)].sort();
}
