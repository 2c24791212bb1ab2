/** Types of public keys that a server may have; SHA-1 and DSA are not among them. */
export const hostKeyTypes = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
] as const;

/** Types of public keys that a person may have: also those that a hardware token holds. */
export const userKeyTypes = [
  ...hostKeyTypes,
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
] as const;

/**
 * Whether base64 holds a key of a type: its bytes are whole fields, each after its length, and the first is the type (RFC
 * 4253, section 6.6). A key cut short or pasted twice shows there.
 */
export function isKeyOfType(base64: string, type: string): boolean {
  const bytes = Buffer.from(base64, "base64");
  if (bytes.toString("base64") !== base64 || bytes.length < 4) return false;
  const end = 4 + bytes.readUInt32BE(0);
  let at = 0;
  while (at + 4 <= bytes.length) at += 4 + bytes.readUInt32BE(at);
  return at === bytes.length && end < at && bytes.toString("latin1", 4, end) === type;
}
