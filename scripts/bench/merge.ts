import type { Result } from "./measurement.ts";

/** Takes results of several calls together. Peers are only ever compared within a cell, and so within a call. */
export function merged(results: readonly [Result, ...Result[]]): Result {
  const [first] = results;
  const last = <Key extends "breakdown" | "growth">(key: Key) =>
    results.findLast((one) => one[key] !== undefined)?.[key];
  const [breakdown, growth] = [last("breakdown"), last("growth")];
  return {
    ...first,
    ...(breakdown && { breakdown }),
    ...(growth && { growth }),
    command: results.map(({ command }) => command).join("; "),
    peers: Object.assign({}, ...results.map(({ peers }) => peers)),
    missing: Object.assign({}, ...results.map(({ missing }) => missing)),
    // The runs of two calls are not mixed: a cell is that of the first which has it.
    runs: results.flatMap(({ runs }, index) => runs.filter((run) => !isIn(results.slice(0, index), run))),
    skipped: results.flatMap(({ skipped }, index) => skipped.filter((one) => !isIn(results.slice(0, index), one))),
    took: results.reduce((sum, { took }) => sum + took, 0),
  };
}

function isIn(earlier: readonly Result[], { work, delay }: { work: unknown; delay: string }): boolean {
  return earlier.some(({ runs }) => runs.some((run) => run.work === work && run.delay === delay));
}
