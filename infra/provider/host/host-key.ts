import { createHash } from "node:crypto";
import type { ServerHostKeyAlgorithm } from "ssh2";
import { NotTrusted } from "./errors.ts";
import { type ConnectionSettings, endpoint } from "./settings.ts";

/** One public key of a server. */
export interface HostKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`, … */
  readonly type: string;
  /** The line to pin: type and base64, without a comment. */
  readonly line: string;
  /** `SHA256:` and unpadded base64, as ssh-keygen -l shows it. */
  readonly fingerprint: string;
  /** The key as it travels on the wire (RFC 4253, section 6.6). */
  readonly blob: Buffer;
}

/** Key types we accept, and the signature algorithms that a server proves each with; SHA-1 is not among them. */
const algorithms: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  "ssh-ed25519": ["ssh-ed25519"],
  "ecdsa-sha2-nistp256": ["ecdsa-sha2-nistp256"],
  "ecdsa-sha2-nistp384": ["ecdsa-sha2-nistp384"],
  "ecdsa-sha2-nistp521": ["ecdsa-sha2-nistp521"],
  "ssh-rsa": ["rsa-sha2-512", "rsa-sha2-256"],
};

/** The signature algorithms for the given key types, all of ours if none is given: ssh offers the first that both know. */
export function signatureAlgorithms(types: readonly string[] = Object.keys(algorithms)): ServerHostKeyAlgorithm[] {
  return [...new Set(types)].flatMap((type) => algorithms[type] ?? []);
}

/** A key from the bytes that a server sent. */
export function hostKeyOf(blob: Buffer): HostKey {
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  const type = blob.subarray(4, 4 + length).toString("latin1");
  const digest = createHash("sha256").update(blob).digest("base64").replace(/=+$/, "");
  return { type, line: `${type} ${blob.toString("base64")}`, fingerprint: `SHA256:${digest}`, blob };
}

/**
 * The keys that are pinned for a host. Throws `NotTrusted` where none is, or where a line is no public key: without a
 * key there is no connection.
 */
export function pinnedKeys(settings: ConnectionSettings): HostKey[] {
  const at = settings.name ?? endpoint(settings);
  const lines = settings.hostKey.split(/\r?\n/).map((line) => line.trim());
  const keys = lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => parseLine(line, at));
  if (keys.length === 0) throw new NotTrusted(at, "its host key is not recorded");
  return keys;
}

function parseLine(line: string, at: string): HostKey {
  const [type = "", base64 = ""] = line.split(/\s+/);
  const wrong = (why: string) => new NotTrusted(at, `${why}: ${line.length > 60 ? `${line.slice(0, 57)}...` : line}`);
  if (!(type in algorithms)) {
    throw wrong(`a host key line must begin with one of ${Object.keys(algorithms).join(", ")}`);
  }
  const key = hostKeyOf(Buffer.from(base64, "base64"));
  if (key.type !== type || key.line !== `${type} ${base64}`) throw wrong("this is no valid OpenSSH public key");
  return key;
}
