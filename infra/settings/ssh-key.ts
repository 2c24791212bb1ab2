import { z } from "zod";
import { hostKeyTypes, isKeyOfType, userKeyTypes } from "../provider/ssh-keys.ts";

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

/** Whether the line's first word is a type, and what follows a key of it. */
function isKey(text: string, types: readonly string[]): boolean {
  const [type = "", base64 = ""] = text.split(/\s+/);
  return types.includes(type) && isKeyOfType(base64, type);
}
