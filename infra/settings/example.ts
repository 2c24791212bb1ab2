import { isExampleAddress } from "./addresses.ts";
import type { Mistake } from "./mistakes.ts";
import { isWithin } from "./names.ts";

/** Names that nobody has: those reserved for examples (RFC 2606), and the one that the guide uses (Q-SRV-14). */
const exampleZones = ["example", "example.com", "example.net", "example.org", "kunde.dk"] as const;

/**
 * What still stands in a configuration as it was handed out: the addresses and names of the example. They are valid in
 * every other respect, so nothing else would notice before a server is dialled that cannot exist.
 */
export function leftFromExample(value: unknown, path: string): Mistake[] {
  if (typeof value === "string") {
    if (isExampleAddress(value)) return [{ path, reason: `is still the example's address: ${value}` }];
    const zone = exampleZones.find((zone) => isWithin(value.toLowerCase(), zone));
    return zone === undefined ? [] : [{ path, reason: `is still the example's name: ${value}` }];
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => leftFromExample(item, `${path}[${index}]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => leftFromExample(item, `${path}.${key}`));
}
