import { code, table } from "../../docs/markdown.ts";
import { machineInWords } from "../../measured-on.ts";
import { describeSeconds } from "../../reporter.ts";
import { type Aim, aimsOf } from "../aims.ts";
import type { Breakdown, Growth, Result } from "../measurement.ts";
import { cellSections, headingOf, seconds, shownSpread } from "./cells.ts";
import { growthText } from "./growth-text.ts";
import { method } from "./method.ts";
import { whyMissed } from "./why-missed.ts";

/** docs/performance.md of one result. Nothing in it is typed by hand but the reasons and how it is measured. */
export function performancePage(result: Result, pictures: ReadonlySet<string>): string {
  const picture = (path: string, text: string) =>
    pictures.has(path) ? [`![${text}](${path.replace("docs/", "")})`] : [];
  return `${[
    "# Performance",
    intro(result),
    "## Aims",
    aimsTable(aimsOf(result)),
    ...missed(aimsOf(result)),
    ...(result.runs.length === 0 ? [] : ["## Peers", peersTable(result)]),
    "## How it is measured",
    method(result.bounds),
    ...(result.runs.length === 0
      ? []
      : [
          "## Results",
          "Medians, in brackets the smallest and the largest of the runs. The floor does not depend on the case, so it has one column.",
          ...picture("docs/performance.svg", "Seconds of a run with nothing to do, for each peer"),
          ...cellSections(result),
        ]),
    ...notMeasured(result),
    ...(result.breakdown === undefined ? [] : ["## Where the time goes", breakdownText(result.breakdown)]),
    ...(result.growth === undefined
      ? []
      : [
          "## Growth",
          ...picture("docs/performance-growth.svg", "Seconds by number of hosts, in one stack and in a stack each"),
          growthSection(result.growth),
        ]),
  ].join("\n\n")}\n`;
}

function intro({ begun, commit, command, machine, took }: Result): string {
  return [
    `Written by ${code("npm run bench -- --write")} from its own result; do not edit. Measured on ${begun.replaceAll(/T\S+/g, "")} at commit ${code(commit)} by`,
    `${code(command)}, which took ${describeSeconds(took)}, on ${machineInWords(machine)}.`,
    "The machine that runs the tools and the three servers share these cores.",
  ].join("\n");
}

function aimsTable(aims: readonly Aim[]): string {
  const word = (met: boolean | undefined) => (met === undefined ? "not known" : met ? "met" : "**missed**");
  return table(
    ["Aim", "Measured", "", ""],
    aims.map(({ aim, measured, met, remark }) => [aim, measured, word(met), remark]),
  );
}

function missed(aims: readonly Aim[]): string[] {
  const reasons = aims.flatMap(({ id, aim, met }) => {
    const why = whyMissed[id];
    return met === false && why !== undefined ? [`- ${aim.split(":")[0]}: ${why}`] : [];
  });
  return reasons.length === 0 ? [] : ["Why aims are missed:", reasons.join("\n")];
}

function peersTable({ peers, missing }: Result): string {
  return table(
    ["Peer", "Version", "How it is used"],
    [
      ...Object.values(peers).map(({ title, version, setup }) => [title, version, setup]),
      ...Object.entries(missing).map(([title, why]) => [title, "missing", why.split("\n").join(" ")]),
    ],
  );
}

function notMeasured({ skipped, runs, peers }: Result): string[] {
  const rows = skipped.map(({ peer, work, delay, cases, why }) => [
    peers[peer]?.title ?? peer,
    headingOf(work, delay),
    cases.join(", "),
    why,
  ]);
  const failed = runs.flatMap(({ peer, work, delay, case: name, repeat, outcome, why }) =>
    outcome === "failed"
      ? [[peers[peer]?.title ?? peer, headingOf(work, delay), `${name}, run ${repeat}`, why ?? ""]]
      : [],
  );
  return [
    ...(rows.length === 0 ? [] : ["## Not measured", table(["Peer", "Where", "Cases", "Why"], rows)]),
    ...(failed.length === 0 ? [] : ["## Failed runs", table(["Peer", "Where", "Run", "Why"], failed)]),
  ];
}

function breakdownText({ parts, files, whole, roundTrips }: Breakdown): string {
  const rows = parts.map(({ name, how, seconds: taken }) => [
    name,
    taken < 10 ? taken.toFixed(2) : seconds(taken),
    how,
  ]);
  const trips =
    roundTrips === undefined
      ? []
      : [
          `Over a line of 80 ms, TCP, key exchange and log-in take ${roundTrips.login} round trips, and ${roundTrips.ready} with sudo and our program on the host.`,
        ];
  return [
    `A run of ${files} files on each of three hosts, single resources, nothing to do: ${seconds(whole)} s in all. Some parts go on side by side, so they are not a sum.`,
    table(["Part", "Seconds", "How it is measured"], rows),
    ...trips,
  ].join("\n\n");
}

function growthSection(growth: Growth): string {
  const rows = growth.points.map(({ hosts, way, seconds: taken, cpu, memory }) => [
    String(hosts),
    way,
    shownSpread(taken, seconds),
    seconds(cpu),
    (memory / 1e6).toFixed(0),
  ]);
  return [table(["Hosts", "As", "Seconds", "CPU here, s", "Memory, MB"], rows), growthText(growth)].join("\n\n");
}
