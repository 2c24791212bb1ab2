import type { Result } from "../measurement.ts";
import { atLeastAt, cellsOf } from "../select.ts";
import { headingOf, seconds } from "./cells.ts";
import { barChart, lineChart, type Panel } from "./chart.ts";

/** Pictures of a result, by their path from the project's folder. */
export function picturesOf(result: Result): Map<string, string> {
  const pictures = new Map<string, string>();
  const panels = nothingPanels(result);
  if (panels.length > 0) pictures.set("docs/performance.svg", barChart("Seconds of a run with nothing to do", panels));
  if (result.growth !== undefined) {
    const ways = [...new Set(result.growth.points.map(({ way }) => way))];
    const series = ways.map((way) => ({
      name: way,
      ours: way === "one stack",
      points: (result.growth?.points ?? [])
        .filter((point) => point.way === way)
        .map((point) => [point.hosts, point.seconds.median] as const),
    }));
    const axes = { x: "hosts", y: "seconds of a run with nothing to do" };
    pictures.set("docs/performance-growth.svg", lineChart("Seconds by number of hosts", axes, series));
  }
  return pictures;
}

function nothingPanels(result: Result): Panel[] {
  return cellsOf(result)
    .map(({ work, delay }) => ({
      heading: `${headingOf(work, delay)}: seconds with nothing to do`,
      bars: Object.entries(result.peers).flatMap(([peer, { title }]) => {
        const taken = atLeastAt(result, { peer, work, delay, case: "nothing" });
        if (taken === undefined) return [];
        const text = `${taken.bound ? "more than " : ""}${seconds(taken.seconds)}`;
        const ours = peer.startsWith("onprem");
        return [{ label: title, value: taken.seconds, text, ours, ...(taken.bound && { open: true }) }];
      }),
    }))
    .filter(({ bars }) => bars.length > 1);
}
