import { expect, test } from "vitest";
import { byGroup, casesIn, chooseCases, groupOf, groups, readCases } from "../../../scripts/faults/cases.ts";

test("cases are found by their literal ids, and nothing else is", () => {
  const text =
    'fault(\n  "lock-out/one",\n  {}\n);\n  fault("state/two", {});\n// fault("state/three")\nnofault("x/y");';
  expect(casesIn(text)).toEqual(["lock-out/one", "state/two"]);
});

test("the matrix has at least 40 cases, each id once and in a group that is shown", () => {
  const all = readCases();
  expect(all.length).toBeGreaterThanOrEqual(40);
  expect(new Set(all).size).toBe(all.length);
  expect(all.filter((id) => !Object.hasOwn(groups, groupOf(id)))).toEqual([]);
  expect([...all].sort(byGroup)).toEqual(all);
});

const all = ["lock-out/a", "lock-out/b", "state/a"];

test.each([
  { words: [], chosen: all, unknown: [] },
  { words: ["state"], chosen: ["state/a"], unknown: [] },
  { words: ["state", "lock-out/b", "state/a"], chosen: ["lock-out/b", "state/a"], unknown: [] },
  { words: ["lock", "state/a"], chosen: ["state/a"], unknown: ["lock"] },
  { words: ["state/"], chosen: [], unknown: ["state/"] },
])("$words chooses $chosen, and $unknown names nothing", ({ words, chosen, unknown }) => {
  expect(chooseCases(words, all)).toEqual({ chosen, unknown });
});
