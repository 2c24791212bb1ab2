import { type NameSettings, readNames, readSettings, type Settings } from "../../infra/settings.ts";
import { ScriptError } from "../script-error.ts";
import { parseYaml } from "../yaml.ts";

/** What stands for a secret, which only pulumi can read and no document shows. */
const hidden = "[secret]";

/**
 * The settings of a stack, from the text of its file, with the same checks and messages as in a preview. Secrets stay encrypted; each is
 * taken for a text.
 *
 * @param file Where the text is from, for messages.
 * @throws ScriptError for what is no stack file, SettingsMistaken with every mistake in the settings
 */
export function stackSettings(stack: string, text: string, file: string): Settings {
  const config = configOf(text, file);
  return readSettings(stack, asText(config), secretsIn(config), hidden);
}

/** What a stack's file says of names, which is known before any server exists; whatever else it says or lacks is left alone. */
export function stackNames(stack: string, text: string, file: string): NameSettings {
  const config = configOf(text, file);
  return readNames(stack, asText(config), secretsIn(config), hidden);
}

function secretsIn(config: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(config).filter((key) => holdsSecret(config[key]));
}

/** As the engine hands it over. */
function asText(config: Readonly<Record<string, unknown>>): Record<string, string> {
  const values = Object.entries(config).map(([key, value]) => {
    const plain = withoutSecrets(value);
    return [key, typeof plain === "string" ? plain : JSON.stringify(plain)] as const;
  });
  return Object.fromEntries(values);
}

function configOf(text: string, file: string): Record<string, unknown> {
  let document: unknown;
  try {
    document = parseYaml(text);
  } catch (error) {
    throw new ScriptError(`${file} is no YAML`, String((error as Error).message).split("\n")[0]);
  }
  const config = isMapping(document) ? (document.config ?? {}) : undefined;
  if (isMapping(config)) return config;
  throw new ScriptError(`${file} is no file of a stack`, "there is no mapping `config:` in it");
}

/** How the engine writes an encrypted value: `{ secure: ... }`, alone. */
function isEncrypted(value: unknown): boolean {
  return isMapping(value) && Object.keys(value).length === 1 && typeof value.secure === "string";
}

function holdsSecret(value: unknown): boolean {
  if (isEncrypted(value)) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(holdsSecret);
}

function withoutSecrets(value: unknown): unknown {
  if (isEncrypted(value)) return hidden;
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner)]));
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
