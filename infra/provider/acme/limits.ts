const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A bucket of permissions: full at first, each use takes one, and one comes back after each `refill`. */
export interface Limit {
  readonly capacity: number;
  /** Milliseconds. */
  readonly refill: number;
}

/** What a certificate authority allows; what is not known of it is left out. */
export interface Limits {
  /** As users call it. */
  readonly authority: string;
  /** Certificates for exactly one set of names. */
  readonly sameNames?: Limit;
  /** Certificates for names in one registered domain, whoever asks for them. */
  readonly registeredDomain?: Limit;
  /** Orders of one account. */
  readonly orders?: Limit;
  /** Failed authorizations of one name by one account. */
  readonly failedAuthorizations?: Limit;
  /** The same without a success in between; then the authority stops asking until somebody says so on its page. */
  readonly consecutiveFailures?: number;
  /** New accounts from one address. */
  readonly accounts?: Limit;
}

/** By the host of the directory's URL. An authority that is not here has limits that nobody wrote down. */
export const limits: Readonly<Record<string, Limits>> = {
  /** https://letsencrypt.org/docs/rate-limits/ of 2026-08-05. */
  "acme-v02.api.letsencrypt.org": {
    authority: "Let's Encrypt",
    sameNames: { capacity: 5, refill: 34 * HOUR },
    registeredDomain: { capacity: 50, refill: 202 * MINUTE },
    orders: { capacity: 300, refill: 36_000 },
    failedAuthorizations: { capacity: 5, refill: 12 * MINUTE },
    consecutiveFailures: 1152,
    accounts: { capacity: 10, refill: 18 * MINUTE },
  },
  /** https://letsencrypt.org/docs/staging-environment/ */
  "acme-staging-v02.api.letsencrypt.org": {
    authority: "Let's Encrypt's staging",
    sameNames: { capacity: 30_000, refill: (7 * DAY) / 30_000 },
    failedAuthorizations: { capacity: 200, refill: HOUR / 200 },
  },
};

/** When the next use is allowed, after uses at these times; `undefined` where it is now. */
export function allowedFrom({ capacity, refill }: Limit, uses: readonly number[], now: number): number | undefined {
  // The bucket is full again at `full` (a token bucket as one number: the generic cell rate algorithm).
  const full = uses.toSorted((a, b) => a - b).reduce((level, use) => Math.max(level, use) + refill, 0);
  const allowed = full + refill - capacity * refill;
  return allowed > now ? allowed : undefined;
}

/** For how long a use still says something. A bucket that never filled up in four times its length is no case of ours. */
export function remembered(limit: Limit | undefined): number {
  return limit === undefined ? 0 : 4 * limit.capacity * limit.refill;
}
