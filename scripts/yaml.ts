import { createRequire } from "node:module";

// js-yaml comes without types.
const parser = createRequire(import.meta.url)("js-yaml") as { load(text: string): unknown };

/** What a YAML document says. Throws where it is no YAML; the message says where. */
export function parseYaml(text: string): unknown {
  return parser.load(text);
}
