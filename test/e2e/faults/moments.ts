import { randomInt } from "node:crypto";

/** Moments of a run to do something at; the same seed gives the same ones. */
export interface Moments {
  readonly seed: number;
  /** Fractions of a run's duration, from 0 to 1. */
  readonly fractions: readonly number[];
}

/**
 * Random moments, as many as ONPREM_FAULT_MOMENTS says (2 where it says nothing), from ONPREM_FAULT_SEED or a new seed. One falls
 * into each equal part of the run, in random order, so that a few of them are spread as well as many.
 *
 * @param victim Gives each kind of victim other moments from one seed.
 */
export function randomMoments(victim: string): Moments {
  const seed = Number(process.env.ONPREM_FAULT_SEED ?? drawn);
  const count = Number(process.env.ONPREM_FAULT_MOMENTS ?? 2);
  const random = generator(seed, victim);
  const parts = Array.from({ length: count }, (_, part) => (part + random()) / count);
  // Fisher and Yates.
  for (let last = parts.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [parts[last], parts[other]] = [parts[other] ?? 0, parts[last] ?? 0];
  }
  return { seed, fractions: parts };
}

const drawn = randomInt(1, 1_000_000);

/** mulberry32: small, and the same everywhere. Numbers from 0 up to but not including 1. */
function generator(seed: number, word: string): () => number {
  let state = seed >>> 0;
  for (const letter of word) state = Math.imul(state ^ letter.charCodeAt(0), 0x01000193) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
