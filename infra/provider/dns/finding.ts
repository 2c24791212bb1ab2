import type { Expected } from "./expected.ts";
import { absolute } from "./names.ts";

/** What can be wrong with a record. */
export type FindingKind =
  /** Nobody has it. */
  | "missing"
  /** It leads elsewhere. */
  | "wrong-target"
  /** The zone's name was appended to the target (DNS-9). */
  | "closing-dot"
  /** The zone's name was appended to the owner (DNS-9). */
  | "owner-doubled"
  /** Other records beside the CNAME (DNS-8). */
  | "other-records"
  /** The owner is the top of a zone (DNS-8). */
  | "apex"
  /** Only some of the zone's servers have it. */
  | "partial"
  /** A name server or a resolver does not answer. */
  | "server-silent"
  /** A name server does not hold the zone that it is named for. */
  | "lame"
  | "loop"
  /** A chain of more names than resolvers follow. */
  | "too-long"
  /** CAA records forbid the CA, or cannot be told. */
  | "caa"
  /** DNSSEC signatures that do not hold. */
  | "bogus"
  /** A resolver outside does not show what the zone's servers have. */
  | "outside-differs"
  /** The server's own resolver shows something else than the world's. */
  | "inside-differs"
  /** The server's own resolver withholds private addresses. */
  | "filtered-inside"
  /** What the record leads to does not resolve yet. */
  | "no-address"
  /** No resolver outside tells anything. */
  | "unreachable";

/** One thing that was found. */
export interface Finding {
  readonly kind: FindingKind;
  /** `warning`: the record does its work all the same. */
  readonly severity: "wrong" | "warning";
  /** What is so, and where: names, servers, values. */
  readonly said: string;
  /** What to do, and who. */
  readonly remedy: string;
  /** The servers and resolvers that show it. */
  readonly where: readonly string[];
}

/** A finding, in the order in which it is read. */
export function found(
  kind: FindingKind,
  severity: Finding["severity"],
  where: readonly string[],
  said: string,
  remedy: string,
): Finding {
  return { kind, severity, said, remedy, where };
}

/** `a`, `a and b`, `a, b and c` */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** The record as a zone file has it. */
export function lineOf({ owner, target }: Expected): string {
  return `\`${absolute(owner)} CNAME ${absolute(target)}\``;
}

/** Things in groups that have a word in common, in the order in which the words come first. */
export function grouped<T>(things: readonly T[], wordOf: (thing: T) => string): [string, T[]][] {
  return [...Map.groupBy(things, wordOf)];
}
