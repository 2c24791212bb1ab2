import { expect, test } from "vitest";
import { timelineOf } from "../../../scripts/bench/timeline.ts";

const stack = "pulumi:pulumi:Stack";
const file = "onprem:linux:File";
const begins = (op: string, type: string) => JSON.stringify({ resourcePreEvent: { metadata: { op, type } } });
const ends = (op: string, type: string) => JSON.stringify({ resOutputsEvent: { metadata: { op, type } } });

const lines = [
  { at: 0.5, line: JSON.stringify({ preludeEvent: {} }) },
  { at: 0.6, line: "a line that is no event" },
  { at: 1, line: begins("refresh", stack) },
  { at: 1.1, line: begins("refresh", file) },
  { at: 2, line: ends("refresh", file) },
  { at: 2.5, line: begins("same", stack) },
  { at: 3, line: begins("same", file) },
  { at: 3.25, line: ends("same", file) },
];

test("the stages of a run are together the whole", () => {
  expect(timelineOf(lines, 4)).toEqual({ begin: 0.5, plugins: 0.5, looks: 1, program: 1, steps: 0.25, end: 0.75 });
});

test("a run that did not look has no such stages", () => {
  expect(timelineOf([], 4)).toBeUndefined();
  expect(
    timelineOf(
      lines.filter(({ line }) => !line.includes("refresh")),
      4,
    ),
  ).toBeUndefined();
});
