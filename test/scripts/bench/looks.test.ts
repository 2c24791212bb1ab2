import { expect, test } from "vitest";
import { baseline } from "../../../scripts/bench/baseline.ts";
import { baselineLook, filesLook } from "../../../scripts/bench/looks.ts";
import { wantedFiles } from "../../../scripts/bench/work.ts";

test("files are described by name, owner, mode and content", () => {
  const [, expected] = filesLook(wantedFiles(2, "original"));
  expect(expected.map((line) => line.replace(/^[0-9a-f]{64}/, "HASH"))).toEqual([
    "part-0000.conf root root 644",
    "part-0001.conf root adm 640",
    "HASH  part-0000.conf",
    "HASH  part-0001.conf",
  ]);
});

test("a change of the baseline is seen in the unit's file and in what runs", () => {
  const [, before] = baselineLook(baseline("original", "198.18.9.64/26"));
  const [, after] = baselineLook(baseline("changed", "198.18.9.64/26"));
  const changed = after.filter((line, index) => line !== before[index]);
  expect(changed).toHaveLength(2);
  expect(changed[1]).toMatch(/^\d+ Beat of the benchmark, revision 2$/);
});

test("every question about the baseline has an answer that it is held against", () => {
  const [script, expected] = baselineLook(baseline("original", "198.18.9.64/26"));
  expect(script.split("\n")).toHaveLength(expected.length + 1);
  expect(expected.every((line) => /^\d+ \S/.test(line))).toBe(true);
});
