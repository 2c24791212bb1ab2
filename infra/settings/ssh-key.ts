import { z } from "zod";

const hostKeyTypes = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
] as const;
const userKeyTypes = [...hostKeyTypes, "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"] as const;

/** One line of a server's public key, without the host before it: `ssh-ed25519 AAAA…`. */
export const hostKeyLine = keyLine(hostKeyTypes);

/** One line of a person's public key, as in authorized_keys(5), without options before it. */
export const userKeyLine = keyLine(userKeyTypes);

function keyLine(types: readonly string[]) {
  return z
    .string()
    .trim()
    .refine(
      (text) => !/[\r\n]/.test(text) && isKey(text, types),
      `must be one line of an OpenSSH public key: one of ${types.join(", ")}, then its base64`,
    );
}

/** Whether the line's first word is the type that its bytes begin with (RFC 4253, section 6.6). */
function isKey(text: string, types: readonly string[]): boolean {
  const [type = "", base64 = ""] = text.split(/\s+/);
  const blob = Buffer.from(base64, "base64");
  if (!types.includes(type) || blob.toString("base64") !== base64 || blob.length < 4 + type.length + 32) return false;
  return blob.readUInt32BE(0) === type.length && blob.toString("latin1", 4, 4 + type.length) === type;
}
