import type { Measured } from "./measured-run.ts";
import type { CaseName, Result, Run } from "./measurement.ts";
import { type Spread, spread } from "./statistics.ts";
import type { Work } from "./work.ts";

/** Where in a result to look. */
export interface Where {
  readonly peer: string;
  readonly work: Work;
  readonly delay: string;
  readonly case: CaseName;
}

/** All runs of one peer in one case of one cell. */
export function runsAt(result: Result, where: Where): Run[] {
  // What takes no part in a case because it has nothing to do there is the same in each: the floor.
  return result.runs.filter(
    (run) => run.peer === where.peer && run.work === where.work && run.delay === where.delay && run.case === where.case,
  );
}

/** Wall seconds of the runs that did their work. */
export function secondsAt(result: Result, where: Where): Spread | undefined {
  return spread(
    runsAt(result, where)
      .filter(({ outcome }) => outcome === "done")
      .map(({ seconds }) => seconds),
  );
}

/** Another measure of the runs that did their work. */
export function measureAt(result: Result, where: Where, pick: (measured: Measured) => number | undefined) {
  return spread(
    runsAt(result, where)
      .filter(({ outcome }) => outcome === "done")
      .map(({ measured }) => (measured === undefined ? undefined : pick(measured)))
      .filter((value) => value !== undefined),
  );
}

/** Seconds that a peer needed at least: the median, or the limit at which it was ended. */
export function atLeastAt(result: Result, where: Where): { seconds: number; bound: boolean } | undefined {
  const done = secondsAt(result, where);
  if (done !== undefined) return { seconds: done.median, bound: false };
  const long = runsAt(result, where).find(({ outcome }) => outcome === "too long");
  return long === undefined ? undefined : { seconds: long.seconds, bound: true };
}

/** The cells of a result, in the order in which they were measured. */
export function cellsOf(result: Result): { work: Work; delay: string }[] {
  const cells = [...result.runs, ...result.skipped].map(({ work, delay }) => ({ work, delay }));
  return cells.filter(
    (cell, index) => cells.findIndex(({ work, delay }) => work === cell.work && delay === cell.delay) === index,
  );
}
