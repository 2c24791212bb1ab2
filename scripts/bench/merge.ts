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
    // The runs of two calls are not mixed: a cell is that of the first which has it.
    runs: results.flatMap(({ runs }, index) => runs.filter((run) => !isIn(results.slice(0, index), run))),
    skipped: results.flatMap(({ skipped }, index) => skipped.filter((one) => !isIn(results.slice(0, index), one))),
    took: results.reduce((sum, { took }) => sum + took, 0),
  };
}

function isIn(earlier: readonly Result[], { work, delay }: { work: unknown; delay: string }): boolean {
  return earlier.some(({ runs }) => runs.some((run) => run.work === work && run.delay === delay));
}
