import { createHash } from "node:crypto";
import { z } from "zod";

/** The ports of a Salt master: 4505 publishes, 4506 answers (NET-2). */
export const masterPorts = [4505, 4506] as const;

/** SHA-256 of a public key as salt-key(1) and `master_finger` write it: 32 bytes in hexadecimal, with colons. */
export const fingerprint = z
  .string()
  .regex(
    /^([0-9a-f]{2}:){31}[0-9a-f]{2}$/,
    "must be a SHA-256 fingerprint as `salt-key -F` prints it: aa:bb:…, 32 bytes",
  );

/** Name of a minion: becomes the name of a file on the master. */
export const minionId = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
    "must be a host name in lower case: letters, digits, dots and dashes",
  );

/**
 * Two sizes of a TCP segment by which a master tells one server's knocks from all others: they pass every address
 * translation, and 600 to 1199 bytes is below what links in between lower them to. One for each port.
 */
export function knockOf(id: string): readonly [number, number] {
  const hash = createHash("sha256").update(`onprem ${id}`).digest();
  return [600 + (hash.readUInt16BE(0) % 600), 600 + (hash.readUInt16BE(2) % 600)];
}

/**
 * `$1`: a public key's file; prints its fingerprint as Salt reckons it (salt.utils.crypt.pem_finger): SHA-256 of the lines
 * between the first and the last that are not empty, with their line ends.
 */
export const fingerScript = `finger() {
    [ -s "$1" ] || return 0
    grep . "$1" | sed '1d;$d' | sha256sum | cut -c -64 | sed 's/../&:/g; s/:$//'
}
`;
