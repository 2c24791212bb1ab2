import { createHash } from "node:crypto";

/** A public key, as far as people compare it. */
export interface ShownKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`, … */
  readonly type: string;
  /** `SHA256:` and unpadded base64. */
  readonly fingerprint: string;
  /** The key as it travels on the wire (RFC 4253, section 6.6). */
  readonly blob: Buffer;
}

/**
 * Everything that a console, an installer or a person on the telephone may show of a server's keys, with the commands
 * that print it there: SHA-256, MD5 for what is older than OpenSSH 6.8, and the pictures, side by side. The key that is to
 * be recorded comes first.
 */
export function comparison(keys: readonly ShownKey[]): string[] {
  const texts = keys.flatMap((key) => [
    `  ssh-keygen -lvf ${keyFile(key.type)}`,
    `    ${key.fingerprint}`,
    `  ssh-keygen -E md5 -lf ${keyFile(key.type)}`,
    `    ${md5(key.blob)}`,
  ]);
  const pictures = keys.map(randomArt);
  const rows = (pictures[0] ?? []).map((_, row) => `  ${pictures.map((picture) => picture[row]).join("  ")}`);
  return ["on its console:", ...texts, ...rows];
}

/** Where OpenSSH keeps the public half of a host key (sshd_config(5), HostKey). */
export function keyFile(type: string): string {
  return `/etc/ssh/ssh_host_${title(type).toLowerCase()}_key.pub`;
}

/** `MD5:` and hexadecimal bytes with colons, as `ssh-keygen -l -E md5` shows it; older programs leave out the word. */
export function md5(blob: Buffer): string {
  const digest = createHash("md5").update(blob).digest("hex");
  return `MD5:${digest.match(/../g)?.join(":")}`;
}

const [width, height] = [17, 9];
/** How often the bishop came by; the last two are where it started and where it ended. */
const marks = " .o+=*BOX@%&#/^SE";

/**
 * The picture that `ssh-keygen -lv` draws of a key's SHA-256: a bishop walks over a board, two bits for a step, and never
 * leaves it (OpenSSH, sshkey.c, fingerprint_randomart).
 */
export function randomArt({ type, blob }: ShownKey): string[] {
  const visits = Array.from({ length: height }, () => new Array<number>(width).fill(0));
  let [x, y] = [(width - 1) / 2, (height - 1) / 2];
  const visit = (mark: number) => {
    const row = visits[y];
    if (row !== undefined) row[x] = mark;
  };
  for (const byte of createHash("sha256").update(blob).digest()) {
    for (const shift of [0, 2, 4, 6]) {
      x = Math.min(Math.max(x + ((byte >> shift) & 1 ? 1 : -1), 0), width - 1);
      y = Math.min(Math.max(y + ((byte >> shift) & 2 ? 1 : -1), 0), height - 1);
      visit(Math.min((visits[y]?.[x] ?? 0) + 1, marks.length - 3));
    }
  }
  const end = [x, y] as const;
  [x, y] = [(width - 1) / 2, (height - 1) / 2];
  visit(marks.length - 2);
  [x, y] = end;
  visit(marks.length - 1);
  const named = `[${title(type)} ${bits(type, blob)}]`;
  return [
    border(named.length > width ? `[${title(type)}]` : named),
    ...visits.map((row) => `|${row.map((count) => marks[count]).join("")}|`),
    border("[SHA256]"),
  ];
}

function border(text: string): string {
  const before = Math.floor((width - text.length) / 2);
  return `+${`${"-".repeat(before)}${text}`.padEnd(width, "-")}+`;
}

/** What OpenSSH calls a type: `ED25519`, `ECDSA`, `RSA`. */
function title(type: string): string {
  return (/^(?:ssh-)?([a-z0-9]+)/.exec(type)?.[1] ?? type).toUpperCase();
}

/** The size that OpenSSH shows: of a curve by its name, of RSA that of the modulus, the last of three fields. */
function bits(type: string, blob: Buffer): number {
  const curve = /nistp(\d+)$/.exec(type)?.[1];
  if (curve !== undefined) return Number(curve);
  if (type !== "ssh-rsa") return 256;
  const exponent = 4 + blob.readUInt32BE(0);
  const modulus = exponent + 4 + blob.readUInt32BE(exponent) + 4;
  return BigInt(`0x${blob.subarray(modulus).toString("hex")}`).toString(2).length;
}
