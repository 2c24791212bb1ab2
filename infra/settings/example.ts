import { isWithin } from "../provider/dns/names.ts";
import { isExampleAddress } from "./addresses.ts";
import type { Mistake } from "./mistakes.ts";
import { secretNames } from "./secrecy.ts";

/** Names that nobody has: those reserved for examples (RFC 2606), and the one that the guide uses (Q-SRV-14). */
const exampleZones = ["example", "example.com", "example.net", "example.org", "kunde.dk"] as const;

/** The customer of the stack files as they are handed out. */
const exampleCustomer = "Eksempel Kommune";

/**
 * What still stands in a configuration as it was handed out: the addresses and names of the example. They are valid in
 * every other respect, so nothing else would notice before a server is dialled that cannot exist. `hidden` keeps the
 * values out. A path is written as property paths are.
 */
export function leftFromExample(value: unknown, path: string, hidden = false): Mistake[] {
  if (typeof value === "string") {
    const what = exampleOf(value);
    return what === undefined ? [] : [{ path, reason: `is still the example's ${what}${hidden ? "" : `: ${value}`}` }];
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => leftFromExample(item, `${path}[${index}]`, hidden));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value)
    .filter(([key]) => !secretNames.includes(key))
    .flatMap(([key, item]) => leftFromExample(item, `${path}.${key}`, hidden));
}

function exampleOf(text: string): "address" | "name" | undefined {
  if (isExampleAddress(text)) return "address";
  const isName = text.trim() === exampleCustomer || exampleZones.some((zone) => isWithin(text.toLowerCase(), zone));
  return isName ? "name" : undefined;
}
