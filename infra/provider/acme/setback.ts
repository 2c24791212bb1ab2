import { Failure } from "../failure.ts";
import { Cancelled } from "../host/errors.ts";
import { type Ledger, recordFailedAuthorization, recordFailure, recordWait } from "./ledger.ts";
import { Refused, Unasked } from "./problem.ts";

/** What an authority was asked for. */
export interface Setback {
  /** URL of the authority's directory. */
  readonly directory: string;
  /** Names of the certificate; absent where an account was asked for. */
  readonly names?: readonly string[];
}

/**
 * The ledger after an authority was asked, and what was asked for did not come: it said no, or nothing at all, or what it was to look for
 * could not be put in place. Pure. What was never asked counts for nothing, nor does what we stopped ourselves.
 */
export function afterSetback(ledger: Ledger, { directory, names }: Setback, error: unknown, now: Date): Ledger {
  if (!(error instanceof Failure) || error instanceof Unasked || error instanceof Cancelled) return ledger;
  const failed = recordFailure(ledger, names ?? [directory], now);
  if (!(error instanceof Refused)) return failed;
  const looked = error.failedNames.reduce(
    (to, name) => recordFailedAuthorization(to, { directory, name }, now),
    failed,
  );
  if (error.until === undefined) return looked;
  // A limit may be of these names alone; an authority that is out of order is that for all.
  const about = error.type === "rateLimited" && names !== undefined ? { directory, names } : { directory };
  return recordWait(looked, about, error.until, now);
}
