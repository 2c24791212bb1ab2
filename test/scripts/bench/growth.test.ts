import { expect, test } from "vitest";
import { changed } from "../../../scripts/bench/growth.ts";

const summary = (...lines: string[]) =>
  ["Resources:", ...lines.map((line) => `    ${line}`), "", "Duration: 3s", ""].join("\n");

test.each([
  [["+ 3 created", "2 unchanged"], true],
  [["~ 1 updated", "20 unchanged"], true],
  [["- 1 deleted"], true],
  [["+-1 replaced", "20 unchanged"], true],
  [["24 unchanged"], false],
] as const)("a run with %j changed something: %s", (lines, expected) => {
  expect(changed(summary(...lines))).toBe(expected);
});
