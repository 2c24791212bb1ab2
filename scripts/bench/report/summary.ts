import type { Aim } from "../aims.ts";
import { caseNames, type Result } from "../measurement.ts";
import { atLeastAt, cellsOf } from "../select.ts";
import { headingOf, seconds } from "./cells.ts";

/** What the terminal shows at the end: the medians, and the aims that this result tells something about. */
export function summary(result: Result, aims: readonly Aim[]): string {
  const cells = cellsOf(result).map(({ work, delay }) => {
    const rows = Object.entries(result.peers).map(([peer, { title }]) => {
      const values = caseNames.map((name) => {
        const taken = atLeastAt(result, { peer, work, delay, case: name });
        return taken === undefined ? "-" : `${taken.bound ? ">" : ""}${seconds(taken.seconds)}`;
      });
      return `  ${title.padEnd(26)}${values.map((value) => value.padStart(10)).join("")}`;
    });
    const head = `${headingOf(work, delay)} (seconds, median)`;
    return [head, `  ${"".padEnd(26)}${caseNames.map((name) => name.padStart(10)).join("")}`, ...rows].join("\n");
  });
  const word = (met: boolean | undefined) => (met ? "met   " : "missed");
  const known = aims.filter(({ met }) => met !== undefined);
  const lines = known.map(
    ({ aim, measured, met, remark }) => `  ${word(met)}  ${aim}\n          ${measured}; ${remark}`,
  );
  return `${[...cells, ...(lines.length === 0 ? [] : [["Aims", ...lines].join("\n")])].join("\n\n")}\n`;
}
