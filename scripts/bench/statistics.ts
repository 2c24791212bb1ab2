/** Middle value and spread of some numbers. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** Median, smallest and largest; `undefined` of nothing. */
export function spread(values: readonly number[]): Spread | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) return undefined;
  const half = (sorted.length - 1) / 2;
  const median = ((sorted[Math.floor(half)] ?? 0) + (sorted[Math.ceil(half)] ?? 0)) / 2;
  return { median, min, max, count: sorted.length };
}

/** The straight line through points that is nearest to them: `y = at0 + slope * x`. At least two different x are needed. */
export function line(points: readonly (readonly [x: number, y: number])[]): { at0: number; slope: number } {
  const mean = (pick: 0 | 1) => points.reduce((sum, point) => sum + point[pick], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const products = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0);
  const squares = points.reduce((sum, [px]) => sum + (px - x) ** 2, 0);
  const slope = products / squares;
  return { at0: y - slope * x, slope };
}
