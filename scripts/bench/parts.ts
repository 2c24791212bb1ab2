import type { Breakdown } from "./measurement.ts";
import { spread } from "./statistics.ts";

/** How often each piece is measured. */
export const repeats = 5;

/** One piece of a run, in seconds. */
export type Part = Breakdown["parts"][number];

/** One piece by its median. */
export async function part(name: string, how: string, once: () => Promise<number>): Promise<Part> {
  return { name, how, seconds: await repeated(once) };
}

/** Median of some measurements. */
export async function repeated(once: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) values.push(await once());
  return median(values);
}

export function median(values: readonly number[]): number {
  return spread(values)?.median ?? 0;
}
