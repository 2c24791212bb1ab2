import { type CaseName, caseNames, type Delay, type Run } from "./measurement.ts";
import { line } from "./statistics.ts";
import type { Work } from "./work.ts";

/** One setting in which all peers are compared: in each repeat every peer does the cases in their order, one peer after the other. */
export interface Cell {
  readonly work: Work;
  readonly delay: Delay;
  readonly cases: readonly CaseName[];
  readonly repeats: number;
}

/** No delay: the lab's network as it is. */
export const noDelay: Delay = { name: "0", milliseconds: 0, loss: 0 };

/** What was chosen on the command line; `undefined` where nothing was said. */
export interface Chosen {
  readonly works?: readonly Work[] | undefined;
  readonly delays?: readonly Delay[] | undefined;
  readonly cases?: readonly CaseName[] | undefined;
  readonly repeats?: number | undefined;
}

/**
 * What is measured when nothing is chosen: all cases and sizes on the lab's own network, the delays with the smallest size, the baseline.
 * Small works are repeated more often, for what is short varies more. What says most comes first, for the time may run out; but 200 files
 * before 600, for from 20 and 200 it can be told which peer need not try.
 */
function usualPlan(): Cell[] {
  const delay = (name: string): Delay => parseDelay(name) ?? noDelay;
  return [
    { work: 20, delay: noDelay, cases: caseNames, repeats: 3 },
    { work: 20, delay: delay("80"), cases: ["nothing"], repeats: 2 },
    { work: 200, delay: noDelay, cases: caseNames, repeats: 1 },
    { work: 600, delay: noDelay, cases: caseNames, repeats: 1 },
    { work: "baseline", delay: noDelay, cases: caseNames, repeats: 1 },
    { work: 20, delay: delay("80-loss5"), cases: ["nothing"], repeats: 2 },
    { work: 20, delay: delay("10"), cases: ["nothing"], repeats: 2 },
  ];
}

/** The cells to measure. Works or delays that are chosen are combined with each other; else the usual plan is narrowed to the cases. */
export function plan({ works, delays, cases, repeats }: Chosen): Cell[] {
  const combined = (works ?? [20]).flatMap((work) =>
    (delays ?? [noDelay]).map((delay) => ({
      work,
      delay,
      cases: caseNames,
      repeats: 3,
    })),
  );
  const cells: readonly Cell[] = works === undefined && delays === undefined ? usualPlan() : combined;
  return cells
    .map((cell) => ({
      ...cell,
      cases: cases === undefined ? cell.cases : cell.cases.filter((name) => cases.includes(name)),
      repeats: repeats ?? cell.repeats,
    }))
    .filter((cell) => cell.cases.length > 0);
}

/** `80` or `80-loss5`; `undefined` for anything else. */
export function parseDelay(text: string): Delay | undefined {
  const match = /^(\d{1,4})(?:-loss(\d{1,2}))?$/.exec(text);
  if (match === null) return undefined;
  return { name: text, milliseconds: Number(match[1]), loss: Number(match[2] ?? 0) };
}

/** `20` or `baseline`; `undefined` for anything else. */
export function parseWork(text: string): Work | undefined {
  if (text === "baseline") return text;
  return /^[1-9]\d{0,3}$/.test(text) ? Number(text) : undefined;
}

/** What is larger, for those that a time limit stopped at a smaller work. */
export function isLarger(work: Work, than: Work): boolean {
  return typeof work === "number" && typeof than === "number" && work > than;
}

/** Works of which a slow peer does not get to do every case. */
export function isLarge(work: Work): boolean {
  return typeof work === "number" && work >= 200;
}

/**
 * Seconds that a peer's slowest case of a cell would take, on the straight line through its two largest smaller works; `undefined` before
 * two of them were measured.
 */
export function expectedSeconds(runs: readonly Run[], peer: string, { work, delay }: Pick<Cell, "work" | "delay">) {
  if (typeof work !== "number") return undefined;
  const slowest = new Map<number, number>();
  for (const run of runs) {
    if (run.peer !== peer || run.delay !== delay.name || run.outcome !== "done") continue;
    if (typeof run.work === "number" && run.work < work) {
      slowest.set(run.work, Math.max(slowest.get(run.work) ?? 0, run.seconds));
    }
  }
  const points = [...slowest].sort(([a], [b]) => a - b).slice(-2);
  if (points.length < 2) return undefined;
  const { at0, slope } = line(points);
  return at0 + slope * work;
}
