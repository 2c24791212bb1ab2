import { isDeepStrictEqual } from "node:util";
import { ScriptError } from "../script-error.ts";
import type { Result } from "./measurement.ts";

/**
 * Takes results of several calls together. Peers are only ever compared within a cell, and so within a call.
 *
 * @throws ScriptError for results of different machines, which one page cannot tell apart
 */
export function merged(results: readonly [Result, ...Result[]]): Result {
  const [first] = results;
  const lasting = ({ machine: { load: _, ...machine } }: Result) => machine;
  if (!results.every((one) => isDeepStrictEqual(lasting(one), lasting(first)))) {
    throw new ScriptError(
      "the results cannot be taken together",
      "they are of different machines",
      "measure on one machine, or write a page of one of them",
    );
  }
  const all = (pick: (result: Result) => string) => [...new Set(results.map(pick))].join(" and ");
  const last = <Key extends "breakdown" | "growth">(key: Key) =>
    results.findLast((one) => one[key] !== undefined)?.[key];
  const [breakdown, growth] = [last("breakdown"), last("growth")];
  return {
    ...first,
    ...(breakdown && { breakdown }),
    ...(growth && { growth }),
    begun: results.length > 1 ? all(({ begun }) => begun.slice(0, 10)) : first.begun,
    commit: all(({ commit }) => commit),
    command: results.map(({ command }) => command).join("; "),
    peers: Object.assign({}, ...results.map(({ peers }) => peers)),
    missing: Object.assign({}, ...results.map(({ missing }) => missing)),
    // The runs of two calls are not mixed: a cell, with what was left out of it, is that of the first call which measured anything there.
    runs: results.flatMap((result) => result.runs.filter((run) => ownerOf(results, run) === result)),
    skipped: results.flatMap((result) => result.skipped.filter((one) => ownerOf(results, one) === result)),
    took: results.reduce((sum, { took }) => sum + took, 0),
  };
}

/** Whose a cell is; one that nobody measured is the first's who meant to. */
function ownerOf(results: readonly Result[], { work, delay }: { work: unknown; delay: string }): Result | undefined {
  const has = (all: readonly { work: unknown; delay: string }[]) =>
    all.some((one) => one.work === work && one.delay === delay);
  return results.find(({ runs }) => has(runs)) ?? results.find(({ skipped }) => has(skipped));
}
