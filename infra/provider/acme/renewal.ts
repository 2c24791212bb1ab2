import { createHash } from "node:crypto";
import type { Certificate } from "./certificate.ts";

/** When the authority wants a certificate renewed (ARI; RFC 9773, section 4.2). */
export interface RenewalInfo {
  readonly window: { readonly start: Date; readonly end: Date };
  /** A page that says why, most often when many certificates are revoked. */
  readonly explanationUrl?: string;
  /** Before then the answer will be the same. */
  readonly retryAfter: Date;
}

export interface RenewalMatter {
  /** What the authority says; `undefined` where it says nothing. */
  readonly info?: RenewalInfo | undefined;
  /** Why the authority could not be heard, where it could not be. */
  readonly unheard?: string | undefined;
  readonly now: Date;
  /** Gives each certificate its own moment, and the same one each time: the resource's URN. */
  readonly seed: string;
  /**
   * Seconds until somebody looks again: what falls due before then is due now. Counts as a sixth of the life at most, so that
   * a certificate of a few hours is not renewed by every run.
   *
   * @default 86400
   */
  readonly nextRunSeconds?: number;
}

export interface Renewal {
  readonly due: boolean;
  /** When it falls due. */
  readonly at: Date;
  /** In plain words: why then. */
  readonly why: string;
}

const DAY = 86_400_000;

/** Whether a certificate is due, and why. Pure: the same for the same seed, window and time. */
export function renewalOf(
  { notBefore, notAfter }: Pick<Certificate, "notBefore" | "notAfter">,
  { info, unheard, now, seed, nextRunSeconds = 86_400 }: RenewalMatter,
): Renewal {
  const life = notAfter.getTime() - notBefore.getTime();
  const { at, why } = info === undefined ? byLife(notAfter, life, seed, unheard) : byWindow(notAfter, life, info, seed);
  if (now >= notAfter) return { due: true, at, why: `it expired at ${shown(notAfter)}` };
  const look = Math.min(nextRunSeconds * 1000, life / 6);
  return { due: at.getTime() <= now.getTime() + look, at, why };
}

type Moment = Pick<Renewal, "at" | "why">;

/** A moment in the authority's window, all equally likely (RFC 9773, section 4.2). */
function byWindow(notAfter: Date, life: number, { window, explanationUrl }: RenewalInfo, seed: string): Moment {
  const { start, end } = window;
  const chosen = at(start.getTime() + chance(seed, start, end) * (end.getTime() - start.getTime()));
  const told = `the authority asks for renewal between ${shown(start)} and ${shown(end)}`;
  const more = explanationUrl === undefined ? "" : ` (it says why at ${explanationUrl})`;
  // An authority that errs must not let a certificate expire.
  const latest = at(notAfter.getTime() - life / 6);
  if (chosen > latest) {
    return { at: latest, why: `${told}${more}, which is too near to the end, ${shown(notAfter)}` };
  }
  return { at: chosen, why: `${told}${more}; by chance it is ${shown(chosen)}` };
}

/** At a third of the life, or half of a short one, and a little before, so that not all of a customer's fall due at once. */
function byLife(notAfter: Date, life: number, seed: string, unheard: string | undefined): Moment {
  const short = life < 10 * DAY;
  const early = Math.min(life / 100, DAY / 2) * chance(seed, notAfter);
  const chosen = at(notAfter.getTime() - life / (short ? 2 : 3) - early);
  const left = short ? "half of a life under 10 days" : "a third of its life";
  const silent = unheard === undefined ? "" : ` (whether the authority wants it earlier is not known: ${unheard})`;
  return { at: chosen, why: `${left} is left at ${shown(chosen)}; it ends at ${shown(notAfter)}${silent}` };
}

/** From 0 up to, but without, 1; the same for the same words. */
function chance(seed: string, ...times: readonly Date[]): number {
  const words = JSON.stringify([seed, ...times.map((time) => time.toISOString())]);
  return createHash("sha256").update(words).digest().readUIntBE(0, 6) / 2 ** 48;
}

/** In whole seconds, as certificates have it. */
function at(time: number): Date {
  return new Date(Math.floor(time / 1000) * 1000);
}

function shown(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
