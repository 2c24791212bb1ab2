import { type Field, formsOf } from "./mistakes.ts";
import { isTree } from "./partly.ts";

/** Names of the fields that hold a secret, wherever they stand in the settings: the engine must keep them encrypted. */
export const encryptedNames: readonly string[] = [
  "privateKey",
  "passphrase",
  "presharedKey",
  "token",
  "secret",
  "hmacKey",
];

/** Names of the fields whose values are never shown: a password does not belong there, but somebody may write it. */
export const secretNames: readonly string[] = [...encryptedNames, "password"];

/** What stands in a message instead of a value that is secret. */
export const redacted = "[secret]";

/** JSON of a value in which nothing is told of what stands below the name of a secret. */
export function jsonWithoutSecrets(value: unknown): string {
  return JSON.stringify(value, (key, inner) => (secretNames.includes(key) ? redacted : inner)) ?? String(value);
}

/**
 * Whether all of a top-level key must be kept out of messages. The engine tells only that there is a secret somewhere
 * below the key: where a field stands that is known to hold one, it is taken to be that; else it may be anything.
 */
export function isSecretThroughout(value: unknown, marked: boolean): boolean {
  return marked && !holdsSecretName(value);
}

function holdsSecretName(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsSecretName);
  if (!isTree(value)) return false;
  return Object.entries(value).some(([key, inner]) => encryptedNames.includes(key) || holdsSecretName(inner));
}

/** Whether a field is a secret, or has one below it. */
export function canHoldSecret(field: Field | undefined): boolean {
  if (field === undefined) return false;
  return (
    field.secret === true || formsOf(field).some(({ properties = {} }) => Object.values(properties).some(canHoldSecret))
  );
}
