import type { Growth, GrowthPoint } from "../measurement.ts";
import { line } from "../statistics.ts";
import { seconds } from "./cells.ts";

/** Servers that the calculation is for. */
const many = 300;
/** Seconds within which a nightly run of all of them should end. */
const night = 3_600;

/** What the points say: cost of each further host, where the curve bends, and what 300 servers need by calculation. */
export function growthText({ points, files, parallel }: Growth): string {
  const one = points.filter(({ way }) => way === "one stack");
  const each = points.filter(({ way }) => way === "a stack each");
  return [
    `${files} files on each host, nothing to do. "A stack each" runs ${parallel} at a time.`,
    ...(one.length > 1 ? [bend("In one stack", one)] : []),
    ...(each.length > 1 ? [bend("As a stack each", each)] : []),
    ...onPaper(one, each, parallel),
  ].join("\n\n");
}

/** The cost of a further host between neighbours, and whether it stays. */
function bend(what: string, points: readonly GrowthPoint[]): string {
  const steps = points.slice(1).flatMap((point, index) => {
    const before = points[index];
    if (before === undefined) return [];
    const cost = (point.seconds.median - before.seconds.median) / (point.hosts - before.hosts);
    return [{ from: before.hosts, to: point.hosts, cost }];
  });
  const described = steps.map(({ from, to, cost }) => `${cost.toFixed(2)} s from ${from} to ${to}`).join(", ");
  const turned = steps.slice(1).find(({ cost }, index) => cost > (steps[index]?.cost ?? cost) * 1.5);
  const verdict =
    turned === undefined
      ? "The cost of a further host does not rise by half anywhere, so up to there the curve does not bend upwards."
      : `The curve bends at ${turned.from} hosts: from there on a further host costs ${turned.cost.toFixed(2)} s.`;
  return `${what}, a further host costs ${described}. ${verdict}`;
}

/** Calculated, and said so: nobody here has 300 servers. */
function onPaper(one: readonly GrowthPoint[], each: readonly GrowthPoint[], parallel: number): string[] {
  if (one.length < 2 || each.length < 2) return [];
  const fitted = (points: readonly GrowthPoint[], pick: (point: GrowthPoint) => number) =>
    line(points.map((point) => [point.hosts, pick(point)] as const));
  const at = ({ at0, slope }: { at0: number; slope: number }) => Math.max(0, at0 + slope * many);
  const memory = at(fitted(one, ({ memory }) => memory)) / 1e9;
  const cpu = at(fitted(each, ({ cpu }) => cpu));
  const whole = at(fitted(each, ({ seconds }) => seconds.median));
  const largest = Math.max(...each.map(({ memory }) => memory)) / 1e9;
  return [
    `**${many} servers, calculated** from straight lines through these points, not measured: in one stack ${seconds(at(fitted(one, (point) => point.seconds.median)))} s and ${memory.toFixed(1)} GB of memory at once; as a stack each, ${parallel} at a time, ${seconds(whole)} s, ${largest.toFixed(1)} GB at once and ${seconds(cpu)} CPU seconds on this machine. ${
      whole <= night
        ? `That is within an hour on this one machine`
        : `To be done within an hour that takes ${Math.ceil(whole / night)} such machines`
    }, so a nightly run of all of them is CI's matrix with a few jobs, each with a share of the stacks. The lines leave out what grows otherwise: the back end's load, and servers that are far away, which wait on the line and not on this machine.`,
  ];
}
