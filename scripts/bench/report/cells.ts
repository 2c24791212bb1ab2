import { code, table } from "../../docs/markdown.ts";
import type { Measured } from "../measured-run.ts";
import { type CaseName, caseNames, type Result } from "../measurement.ts";
import { cellsOf, measureAt, runsAt, secondsAt, type Where } from "../select.ts";
import type { Spread } from "../statistics.ts";
import type { Work } from "../work.ts";

/** A section for each cell in which anything was measured: the wall times of all cases, and what a run with nothing to do costs. */
export function cellSections(result: Result): string[] {
  const measured = cellsOf(result).filter(({ work, delay }) =>
    result.runs.some((run) => run.work === work && run.delay === delay),
  );
  return measured.map((cell) =>
    [`### ${headingOf(cell.work, cell.delay)}`, timesTable(result, cell), costsTable(result, cell)]
      .filter((part) => part !== "")
      .join("\n\n"),
  );
}

export function headingOf(work: Work, delay: string): string {
  const [milliseconds, loss] = delay.split("-loss");
  const line = delay === "0" ? "no delay" : `${milliseconds} ms${loss === undefined ? "" : ` and ${loss} % loss`}`;
  return `${work === "baseline" ? "The baseline" : `${work} files per host`}, ${line}`;
}

function timesTable(result: Result, { work, delay }: { work: Work; delay: string }): string {
  const cases = caseNames.filter((name) =>
    result.runs.some((run) => run.work === work && run.delay === delay && run.case === name),
  );
  const rows = Object.entries(result.peers).map(([peer, { title }]) => [
    title,
    ...cases.map((name) => timeCell(result, { peer, work, delay, case: name })),
  ]);
  return table(["Seconds", ...cases], rows);
}

/** `4.2 (4.1–4.5, 5 runs)`, or in a word why there is no number. */
function timeCell(result: Result, where: Where): string {
  if (where.peer === "floor" && where.case !== "nothing") return "";
  const done = secondsAt(result, where);
  const runs = runsAt(result, where);
  const failed = runs.filter(({ outcome }) => outcome === "failed").length;
  const long = runs.find(({ outcome }) => outcome === "too long");
  if (done === undefined) {
    if (long !== undefined) return `more than ${long.seconds}`;
    return failed > 0 ? "failed" : "not measured";
  }
  const also = failed > 0 ? `, ${failed} failed` : "";
  return `**${seconds(done.median)}** ${done.count > 1 ? `(${seconds(done.min)}–${seconds(done.max)}, ${done.count} runs${also})` : `(1 run${also})`}`;
}

const costs: readonly {
  head: string;
  pick: (measured: Measured) => number | undefined;
  show: (value: number) => string;
}[] = [
  { head: "CPU here, s", pick: ({ cpu }) => cpu, show: (value) => value.toFixed(1) },
  { head: "CPU of 3 hosts, s", pick: ({ hostCpu }) => hostCpu, show: (value) => value.toFixed(1) },
  { head: "Memory, MB", pick: ({ memory }) => memory, show: (value) => (value / 1e6).toFixed(0) },
  { head: "without Pulumi's engine", pick: ({ ownMemory }) => ownMemory, show: (value) => (value / 1e6).toFixed(0) },
  { head: "kB to a host", pick: ({ bytesToHost }) => bytesToHost, show: (value) => (value / 1e3).toFixed(0) },
  { head: "kB from it", pick: ({ bytesFromHost }) => bytesFromHost, show: (value) => (value / 1e3).toFixed(0) },
  { head: "Connections", pick: ({ connections }) => connections, show: (value) => String(Math.round(value * 10) / 10) },
  { head: "Round trips", pick: ({ roundTrips }) => roundTrips, show: (value) => String(value) },
];

/** Costs of the case `nothing`, or of the first one that was measured. Columns without any number are left out. */
function costsTable(result: Result, { work, delay }: { work: Work; delay: string }): string {
  const present = (name: CaseName) =>
    result.runs.some((run) => run.work === work && run.delay === delay && run.case === name && run.outcome === "done");
  const name = (["nothing", ...caseNames] as const).find(present);
  if (name === undefined) return "";
  const rows = Object.entries(result.peers).map(([peer, { title }]) => ({
    title,
    values: costs.map(({ pick }) => measureAt(result, { peer, work, delay, case: name }, pick)),
  }));
  const used = costs.map((_, index) => rows.some(({ values }) => values[index] !== undefined));
  const only = <T>(all: readonly T[]) => all.filter((_, index) => used[index]);
  const shown = rows
    .filter(({ values }) => values.some((value) => value !== undefined))
    .map(({ title, values }) => [
      title,
      ...only(
        values.map((value, index) => (value === undefined ? "" : shownSpread(value, costs[index]?.show ?? String))),
      ),
    ]);
  return [`What the case ${code(name)} costs:`, table(["", ...only(costs.map(({ head }) => head))], shown)].join(
    "\n\n",
  );
}

/** `4.2 (4.1–4.5)`; the number alone where all are the same. */
export function shownSpread({ median, min, max }: Spread, show: (value: number) => string): string {
  const [low, high] = [show(min), show(max)];
  return low === high ? show(median) : `${show(median)} (${low}–${high})`;
}

export function seconds(value: number): string {
  return value < 100 ? value.toFixed(1) : value.toFixed(0);
}
