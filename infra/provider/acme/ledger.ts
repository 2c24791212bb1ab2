import type { Entry, Ledger, NameEntry, NamesEntry } from "./ledger-file.ts";
import { allowedFrom, type Limit, type Limits, limits, remembered } from "./limits.ts";

export { emptyLedger, type Ledger } from "./ledger-file.ts";

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

/**
 * Why a certificate must not be asked for now: because runs before failed, because the authority has asked to wait, or because it would
 * refuse. Pure.
 *
 * @param force Somebody wants it tried in spite of earlier failures. The authority's own limits stay, and so does what it has asked.
 */
export function refusal(
  ledger: Ledger,
  { force = false, ...asked }: Asked & { readonly force?: boolean },
  now: Date,
): Refusal | undefined {
  return longest([
    ...limitRefusals(ledger, asked, now),
    ...waitRefusals(ledger, asked, now),
    ...(force ? [] : optional(backoff(ledger, asked.names, now))),
  ]);
}

/** What time does not heal comes first, then what takes longest. */
function longest(refusals: readonly Refusal[]): Refusal | undefined {
  return refusals.toSorted((a, b) => (b.until?.getTime() ?? Infinity) - (a.until?.getTime() ?? Infinity))[0];
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** After the first, second and third failure (Let's Encrypt's integration guide). */
const pauses = [1, 10, 100].map((minutes) => minutes * MINUTE);
/**
 * After that: daily, for runs that come at the same time each day. A failure is noted minutes after its run has begun, so a whole day would
 * let every second of them pass.
 */
const daily = 20 * HOUR;

/** How long to leave off after failures in a row. Pure. */
export function backoff({ failures }: Ledger, names: readonly string[], now: Date): Refusal | undefined {
  const failed = failures.find((failure) => sameNames(failure.names, names));
  if (failed === undefined) return undefined;
  const until = new Date(Date.parse(failed.at) + (pauses[failed.count - 1] ?? daily));
  const times = failed.count === 1 ? "the last try" : `the last ${failed.count} tries`;
  const why = `${times} for ${names.join(", ")} failed, most lately at ${failed.at}`;
  return isAhead(until, now, daily) ? { why, until } : undefined;
}

/** What a machine has noted whose clock was wrong must not last for years. */
function isAhead(until: Date, now: Date, longest: number): boolean {
  return until > now && until.getTime() <= now.getTime() + longest;
}

/** The longest time for which an authority's wish is heeded: Let's Encrypt's longest limit is counted over a week. */
const longestWait = 7 * DAY;

/** The authority's wishes that hold for these names, or for an account where there are none. */
function waitRefusals(
  { waits }: Ledger,
  { directory, names }: { readonly directory: string; readonly names?: readonly string[] },
  now: Date,
): Refusal[] {
  const host = hostOf(directory);
  return waits
    .filter((wait) => wait.host === host && isAhead(new Date(wait.until), now, longestWait))
    .filter((wait) => wait.names === undefined || (names !== undefined && sameNames(wait.names, names)))
    .map(({ at, until }) => ({ why: `at ${at} it asked to wait until ${until}`, until: new Date(until) }));
}

/**
 * Why an account must not be asked for now. Pure.
 *
 * @param force As for a certificate.
 */
export function accountRefusal(
  ledger: Ledger,
  { directory, force = false }: { readonly directory: string; readonly force?: boolean },
  now: Date,
): Refusal | undefined {
  const known = limits[hostOf(directory)];
  const uses = ledger.accounts.filter(({ host }) => host === hostOf(directory));
  return longest([
    ...(known === undefined ? [] : refusedBy(known, known.accounts, uses, "new accounts from one address", now)),
    ...waitRefusals(ledger, { directory }, now),
    ...(force ? [] : optional(backoff(ledger, [directory], now))),
  ]);
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

/** An account is the end of all failures to get one. */
export function recordAccount(ledger: Ledger, directory: string, now: Date): Ledger {
  const accounts = [...ledger.accounts, { host: hostOf(directory), at: now.toISOString() }];
  const failures = ledger.failures.filter((failure) => !sameNames(failure.names, [directory]));
  return pruned({ ...ledger, accounts, failures }, now);
}

/** The authority has asked to be left alone until then, about these names or about anything; its last word counts, and for a week at most. */
export function recordWait(
  ledger: Ledger,
  { directory, names }: { readonly directory: string; readonly names?: readonly string[] },
  until: Date,
  now: Date,
): Ledger {
  const host = hostOf(directory);
  const isSame = (wait: Ledger["waits"][number]) =>
    wait.host === host && (wait.names ?? []).join() === normal(names ?? []).join();
  const capped = new Date(Math.min(until.getTime(), now.getTime() + longestWait));
  const wait = {
    host,
    at: now.toISOString(),
    until: capped.toISOString(),
    ...(names && { names: normal(names) }),
  };
  return pruned({ ...ledger, waits: [...ledger.waits.filter((one) => !isSame(one)), wait] }, now);
}

/** An authority was asked for a certificate for these names, and it did not come, for whatever reason. */
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

/** By how much clocks of machines that are kept right may differ. */
const clocksDiffer = 5 * MINUTE;

function refusedBy(
  { authority }: Limits,
  limit: Limit | undefined,
  uses: readonly Entry[],
  what: string,
  now: Date,
): Refusal[] {
  if (limit === undefined) return [];
  // Nothing was used in time to come: a machine whose clock was ahead has noted that.
  const times = uses.map(({ at }) => Date.parse(at)).filter((time) => time <= now.getTime() + clocksDiffer);
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
    waits: ledger.waits.filter(({ until }) => isAhead(new Date(until), now, longestWait)),
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
