import { allowedFrom, type Limit, type Limits, limits, remembered } from "./limits.ts";

/**
 * What was asked of certificate authorities, kept between runs by the caller, so that a run can tell before it asks that it
 * would be refused. Nothing but JSON. What other accounts, other people in the same domain and other machines asked is not in
 * it, so an authority may refuse earlier, never later.
 */
export interface Ledger {
  readonly version: 1;
  readonly certificates: readonly NamesEntry[];
  readonly orders: readonly NamesEntry[];
  readonly failedAuthorizations: readonly NameEntry[];
  /** By name: how many authorizations failed in a row. */
  readonly streaks: readonly (NameEntry & { readonly count: number })[];
  readonly accounts: readonly Entry[];
  /** By set of names: how many runs failed in a row, at whatever authority, and when the last one did. */
  readonly failures: readonly { readonly names: readonly string[]; readonly count: number; readonly at: string }[];
}

interface Entry {
  /** Host of the authority's directory. */
  readonly host: string;
  /** ISO 8601. */
  readonly at: string;
}

interface NamesEntry extends Entry {
  /** In lower case, sorted, each once. */
  readonly names: readonly string[];
  /** `ari`: counts for no limit. `renewal`: of the same names as an earlier one; counts only as one of the same names. */
  readonly exempt?: "ari" | "renewal";
}

interface NameEntry extends Entry {
  readonly name: string;
}

/** What is about to be asked, or was. */
export interface Asked {
  /** URL of the authority's directory. */
  readonly directory: string;
  readonly names: readonly string[];
  /** Renewal id of the certificate that it replaces: with it, the authority does not count (ARI). */
  readonly replaces?: string | undefined;
}

/** Why not now. */
export interface Refusal {
  readonly why: string;
  /** When it may be asked; `undefined` where time alone does not help. */
  readonly until: Date | undefined;
}

export const emptyLedger: Ledger = {
  version: 1,
  certificates: [],
  orders: [],
  failedAuthorizations: [],
  streaks: [],
  accounts: [],
  failures: [],
};

/**
 * Why a certificate must not be asked for now: because runs before failed, or because the authority would refuse. Pure.
 *
 * @param force Somebody wants it tried in spite of earlier failures. The authority's own limits stay.
 */
export function refusal(
  ledger: Ledger,
  { force = false, ...asked }: Asked & { readonly force?: boolean },
  now: Date,
): Refusal | undefined {
  const [longest] = [
    ...limitRefusals(ledger, asked, now),
    ...(force ? [] : optional(backoff(ledger, asked.names, now))),
  ]
    // What time does not heal comes first, then what takes longest.
    .sort((a, b) => (b.until?.getTime() ?? Infinity) - (a.until?.getTime() ?? Infinity));
  return longest;
}

const MINUTE = 60_000;
/** After the first, second and third failure; after that, a day (Let's Encrypt's integration guide). */
const pauses = [1, 10, 100].map((minutes) => minutes * MINUTE);
const DAY = 1440 * MINUTE;

/** How long to leave off after failures in a row. Pure. */
export function backoff({ failures }: Ledger, names: readonly string[], now: Date): Refusal | undefined {
  const failed = failures.find((failure) => sameNames(failure.names, names));
  if (failed === undefined) return undefined;
  const until = new Date(Date.parse(failed.at) + (pauses[failed.count - 1] ?? DAY));
  const times = failed.count === 1 ? "the last try" : `the last ${failed.count} tries`;
  const why = `${times} for ${names.join(", ")} failed, most lately at ${failed.at}`;
  return until > now ? { why, until } : undefined;
}

/** Why a new account must not be asked for now. Pure. */
export function accountRefusal({ accounts }: Ledger, directory: string, now: Date): Refusal | undefined {
  const known = limits[hostOf(directory)];
  if (known === undefined) return undefined;
  const uses = accounts.filter(({ host }) => host === hostOf(directory));
  return refusedBy(known, known.accounts, uses, "new accounts from one address", now)[0];
}

export function recordOrder(ledger: Ledger, asked: Asked, now: Date): Ledger {
  return pruned({ ...ledger, orders: [...ledger.orders, namesEntry(ledger, asked, now)] }, now);
}

/** A certificate is the end of all failures of its names. */
export function recordCertificate(ledger: Ledger, asked: Asked, now: Date): Ledger {
  const host = hostOf(asked.directory);
  const names = normal(asked.names);
  const certificates = [...ledger.certificates, namesEntry(ledger, asked, now)];
  const streaks = ledger.streaks.filter((streak) => streak.host !== host || !names.includes(streak.name));
  const failures = ledger.failures.filter((failure) => !sameNames(failure.names, names));
  return pruned({ ...ledger, certificates, streaks, failures }, now);
}

/** The authority looked for a challenge's value and did not find it. */
export function recordFailedAuthorization(
  ledger: Ledger,
  { directory, name }: { readonly directory: string; readonly name: string },
  now: Date,
): Ledger {
  const entry = { host: hostOf(directory), name: name.toLowerCase(), at: now.toISOString() };
  const isSame = (streak: NameEntry) => streak.host === entry.host && streak.name === entry.name;
  const count = (ledger.streaks.find(isSame)?.count ?? 0) + 1;
  const failedAuthorizations = [...ledger.failedAuthorizations, entry];
  const streaks = [...ledger.streaks.filter((streak) => !isSame(streak)), { ...entry, count }];
  return pruned({ ...ledger, failedAuthorizations, streaks }, now);
}

export function recordAccount(ledger: Ledger, directory: string, now: Date): Ledger {
  const accounts = [...ledger.accounts, { host: hostOf(directory), at: now.toISOString() }];
  return pruned({ ...ledger, accounts }, now);
}

/** A run did not get a certificate for these names, for whatever reason. */
export function recordFailure(ledger: Ledger, names: readonly string[], now: Date): Ledger {
  const count = (ledger.failures.find((failure) => sameNames(failure.names, names))?.count ?? 0) + 1;
  const others = ledger.failures.filter((failure) => !sameNames(failure.names, names));
  return pruned({ ...ledger, failures: [...others, { names: normal(names), count, at: now.toISOString() }] }, now);
}

/**
 * The registered domain of a name: its last two labels. The public suffix list, by which authorities tell, is not used: below
 * a suffix of two labels (`co.uk`), names of different owners count as one domain here, so we refuse too early, never too late.
 */
export function registeredDomain(name: string): string {
  return name.toLowerCase().split(".").slice(-2).join(".");
}

function limitRefusals(ledger: Ledger, { directory, names, replaces }: Asked, now: Date): Refusal[] {
  const host = hostOf(directory);
  const known = limits[host];
  if (known === undefined || replaces !== undefined) return [];
  const here = <E extends Entry>(entries: readonly E[]) => entries.filter((entry) => entry.host === host);
  const counted = here(ledger.certificates).filter(({ exempt }) => exempt !== "ari");
  const same = counted.filter((entry) => sameNames(entry.names, names));
  const refused = (limit: Limit | undefined, uses: readonly Entry[], what: string) =>
    refusedBy(known, limit, uses, what, now);
  return [
    ...refused(known.sameNames, same, `certificates for exactly ${normal(names).join(", ")}`),
    ...(isRenewal(ledger, host, names)
      ? []
      : [
          ...domainsOf(names).flatMap((domain) => {
            const uses = counted.filter((entry) => !entry.exempt && domainsOf(entry.names).includes(domain));
            return refused(known.registeredDomain, uses, `certificates for names in ${domain}`);
          }),
          ...refused(
            known.orders,
            here(ledger.orders).filter(({ exempt }) => exempt === undefined),
            "orders of one account",
          ),
        ]),
    ...normal(names).flatMap((name) => [
      ...refused(
        known.failedAuthorizations,
        here(ledger.failedAuthorizations).filter((entry) => entry.name === bare(name)),
        `failed authorizations of ${bare(name)}`,
      ),
      ...here(ledger.streaks)
        .filter((streak) => streak.name === bare(name) && streak.count >= (known.consecutiveFailures ?? Infinity))
        .map(({ count }) => ({
          why: `${count} authorizations of ${bare(name)} failed in a row, so ${known.authority} has paused it until somebody asks for it on the page that its refusal names`,
          until: undefined,
        })),
    ]),
  ];
}

function refusedBy(
  { authority }: Limits,
  limit: Limit | undefined,
  uses: readonly Entry[],
  what: string,
  now: Date,
): Refusal[] {
  if (limit === undefined) return [];
  const times = uses.map(({ at }) => Date.parse(at));
  const allowed = allowedFrom(limit, times, now.getTime());
  if (allowed === undefined) return [];
  const why = `${authority} would refuse: it allows ${limit.capacity} ${what} at once and one more every ${duration(limit.refill)}`;
  return [{ why, until: new Date(allowed) }];
}

function duration(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 36_000 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3600)} hours`;
}

function namesEntry(ledger: Ledger, { directory, names, replaces }: Asked, now: Date): NamesEntry {
  const host = hostOf(directory);
  const exempt = replaces !== undefined ? "ari" : isRenewal(ledger, host, names) ? "renewal" : undefined;
  return { host, names: normal(names), at: now.toISOString(), ...(exempt && { exempt }) };
}

/** Of exactly the same names as a certificate before: counts for neither domain nor account. */
function isRenewal({ certificates }: Ledger, host: string, names: readonly string[]): boolean {
  return certificates.some((entry) => entry.host === host && sameNames(entry.names, names));
}

/** Days for which a certificate is remembered: longer than it lives, so that its renewal is known as one. */
const certificateDays = 120;

/** Without what says nothing any more. Failures in a row stay until a success: they are one entry per set of names. */
function pruned(ledger: Ledger, now: Date): Ledger {
  const young = <E extends Entry>(entries: readonly E[], lasting: (known: Limits) => number) =>
    entries.filter(({ host, at }) => {
      const known = limits[host];
      return known !== undefined && Date.parse(at) > now.getTime() - lasting(known);
    });
  return {
    ...ledger,
    certificates: young(ledger.certificates, () => certificateDays * DAY),
    orders: young(ledger.orders, ({ orders }) => remembered(orders)),
    failedAuthorizations: young(ledger.failedAuthorizations, (known) => remembered(known.failedAuthorizations)),
    streaks: ledger.streaks.filter(({ host }) => limits[host] !== undefined),
    accounts: young(ledger.accounts, ({ accounts }) => remembered(accounts)),
  };
}

function hostOf(directory: string): string {
  return new URL(directory).host;
}

function normal(names: readonly string[]): string[] {
  return [...new Set(names.map((name) => name.toLowerCase()))].sort();
}

function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return normal(one).join() === normal(other).join();
}

function domainsOf(names: readonly string[]): string[] {
  return [...new Set(names.map(registeredDomain))].sort();
}

/** What is authorized for a wildcard is the name below it. */
function bare(name: string): string {
  return name.replace(/^\*\./, "");
}

function optional<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}
