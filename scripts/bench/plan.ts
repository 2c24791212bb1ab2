import type { CaseName, Delay } from "./measurement.ts";
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
 * Small works are repeated more often, for what is short varies more.
 */
function usualPlan(): Cell[] {
  const delay = (name: string): Delay => parseDelay(name) ?? noDelay;
  return [
    { work: 20, delay: noDelay, cases: ["first", "nothing", "change", "drift"], repeats: 5 },
    { work: 20, delay: delay("10"), cases: ["nothing"], repeats: 3 },
    { work: 20, delay: delay("80"), cases: ["first", "nothing", "change", "drift"], repeats: 2 },
    { work: 20, delay: delay("80-loss5"), cases: ["nothing"], repeats: 3 },
    { work: "baseline", delay: noDelay, cases: ["first", "nothing", "change", "drift"], repeats: 2 },
    { work: 200, delay: noDelay, cases: ["first", "nothing", "change", "drift"], repeats: 1 },
    { work: 600, delay: noDelay, cases: ["first", "nothing", "change", "drift"], repeats: 1 },
  ];
}

/** The cells to measure. Works or delays that are chosen are combined with each other; else the usual plan is narrowed to the cases. */
export function plan({ works, delays, cases, repeats }: Chosen): Cell[] {
  const combined = (works ?? [20]).flatMap((work) =>
    (delays ?? [noDelay]).map((delay) => ({
      work,
      delay,
      cases: ["first", "nothing", "change", "drift"] as const,
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
