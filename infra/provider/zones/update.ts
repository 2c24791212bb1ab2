import { addressData, classes, nameBytes, numberBytes, textData, types } from "./wire.ts";

/** What an update does to the records at a name (RFC 2136, section 2.5), and what it requires of them (section 2.4). */
export type Change =
  | { readonly do: "add"; readonly type: "A" | "AAAA" | "TXT"; readonly ttl: number; readonly data: string }
  | { readonly do: "remove"; readonly type: "TXT"; readonly data: string }
  | { readonly do: "remove all"; readonly type: "A" | "AAAA" }
  | { readonly do: "require none"; readonly type: "CNAME" };

/** Opcode of an update (RFC 2136, section 1.3), where the header has it. */
const opcode = 5 << 11;

/** An update of one zone, in wire format and not yet signed: all of its changes take place, or none. */
export function encodeUpdate(id: number, zone: string, name: string, changes: readonly Change[]): Buffer {
  const required = changes.filter((change) => change.do === "require none");
  const done = changes.filter((change) => change.do !== "require none");
  return Buffer.concat([
    ...[id, opcode, 1, required.length, done.length, 0].map((number) => numberBytes(number, 2)),
    nameBytes(zone),
    numberBytes(types.SOA, 2),
    numberBytes(classes.IN, 2),
    ...[...required, ...done].flatMap((change) => [nameBytes(name), recordBytes(change)]),
  ]);
}

/** What follows the name. */
function recordBytes(change: Change): Buffer {
  const data = "data" in change ? dataOf(change) : Buffer.alloc(0);
  const fixed = [types[change.type], classOf(change)].map((number) => numberBytes(number, 2));
  return Buffer.concat([
    ...fixed,
    numberBytes(change.do === "add" ? change.ttl : 0, 4),
    numberBytes(data.length, 2),
    data,
  ]);
}

function classOf(change: Change): number {
  if (change.do === "add") return classes.IN;
  return change.do === "remove all" ? classes.ANY : classes.NONE;
}

function dataOf({ type, data }: { readonly type: "A" | "AAAA" | "TXT"; readonly data: string }): Buffer {
  return type === "TXT" ? textData(data) : addressData(data);
}
