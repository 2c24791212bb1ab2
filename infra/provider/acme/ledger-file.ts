import { z } from "zod";

/** Host of the authority's directory, and when; ISO 8601. */
const entry = z.object({ host: z.string(), at: z.iso.datetime() });

/** Names in lower case, sorted, each once. */
const names = z.array(z.string());

/** `ari`: counts for no limit. `renewal`: of the same names as an earlier one; counts only as one of the same names. */
const namesEntry = entry.extend({ names, exempt: z.enum(["ari", "renewal"]).optional() });

const nameEntry = entry.extend({ name: z.string() });

/** What the ledger's file must be; anything else is no ledger. */
export const ledgerSchema = z.object({
  version: z.literal(1),
  certificates: z.array(namesEntry),
  orders: z.array(namesEntry),
  failedAuthorizations: z.array(nameEntry),
  /** By name: how many authorizations failed in a row. */
  streaks: z.array(nameEntry.extend({ count: z.int().min(1) })),
  accounts: z.array(entry),
  /**
   * By set of names: how many tries failed in a row, at whatever authority, and when the last one did. Those for an account stand under
   * the address of its directory.
   */
  failures: z.array(z.object({ names, count: z.int().min(1), at: z.iso.datetime() })),
  /** Until when an authority has asked to be left alone: about these names, or, without names, about anything. */
  waits: z.array(entry.extend({ until: z.iso.datetime(), names: names.optional() })).default([]),
});

type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T;

/**
 * What was asked of certificate authorities, kept between runs by the caller, so that a run can tell before it asks that it
 * would be refused. Nothing but JSON. What other accounts, other people in the same domain and other machines asked is not in
 * it, so an authority may refuse earlier, never later.
 */
export type Ledger = Frozen<z.output<typeof ledgerSchema>>;
export type Entry = Frozen<z.output<typeof entry>>;
export type NamesEntry = Frozen<z.output<typeof namesEntry>>;
export type NameEntry = Frozen<z.output<typeof nameEntry>>;

export const emptyLedger: Ledger = {
  version: 1,
  certificates: [],
  orders: [],
  failedAuthorizations: [],
  streaks: [],
  accounts: [],
  failures: [],
  waits: [],
};
