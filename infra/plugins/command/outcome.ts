import { Failure } from "../../provider/failure.ts";
import type { Output } from "../../provider/host/host.ts";
import type { Bag, Path } from "../../provider/values.ts";

/** The parts of a connection that are secret in themselves: the SDK marks all of it, and an address or `root` is no secret. */
const secretsOfConnection = new Set(["password", "privateKey", "privateKeyPassword"]);

/** The texts of a command: what else stands in one that holds a secret may be quoted around it, so it cannot be found. */
const commandTexts = ["create", "update", "delete"];

/**
 * Whether what a command wrote may hold a secret that it was given: a secret value stands in it, or the command's text was
 * secret. The official plugin leaves such output plain unless the program names it in `additionalSecretOutputs`.
 */
export function holdsSecret(written: string, { values, secrets }: Bag): boolean {
  if (written === "") return false;
  return secrets.some((path) => {
    if (commandTexts.includes(String(path[0]))) return true;
    return textsAt(values, path).some((text) => text !== "" && written.includes(text));
  });
}

function textsAt(values: Readonly<Record<string, unknown>>, path: Path): string[] {
  const value = path.reduce<unknown>(
    (inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key],
    values,
  );
  return texts(value, path).map((text) => text.trim());
}

function texts(value: unknown, path: Path): string[] {
  if (typeof value === "string") {
    return path[0] === "connection" && !secretsOfConnection.has(String(path.at(-1))) ? [] : [value];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => texts(item, [...path, key]));
}

/** Without the newline at its end, one only, as the official plugin gives it. */
export function trimmed(text: string): string {
  return text.endsWith("\n") ? text.slice(0, -1) : text;
}

/** Characters of output that an error repeats. */
const repeated = 4000;

/** A command that ended with another code than 0. */
export function commandFailed(what: string, { code, stdout, stderr }: Output, secret: boolean): Failure {
  const output = [stdout, stderr].map((text) => text.trimEnd()).filter((text) => text !== "");
  const said = secret ? "[its output may hold a secret]" : output.join("\n").slice(-repeated);
  return new Failure({ what, why: said === "" ? `exit ${code}, without a word` : `exit ${code}:\n${said}` });
}
