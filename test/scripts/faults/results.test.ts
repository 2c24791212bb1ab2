import { expect, test } from "vitest";
import { readResults } from "../../../scripts/faults/results.ts";

const said = { done: "cut", holds: "back", seen: ["it was back"] };
const json = (assertionResults: object[]) => JSON.stringify({ testResults: [{ name: "a.test.ts", assertionResults }] });

test("a case that held and one that failed, in the order of their ids; what was never begun is left out", () => {
  const results = readResults(
    json([
      {
        title: "state/b",
        status: "passed",
        duration: 1234,
        failureMessages: [],
        meta: { fault: { ...said, accessBack: 7.5 } },
      },
      {
        title: "state/a",
        status: "failed",
        duration: 60,
        failureMessages: ["AssertionError: no\n  at x"],
        meta: { fault: said },
      },
      { title: "another test", status: "passed", meta: {} },
      { title: "state/c", status: "skipped" },
    ]),
  );
  expect(results).toEqual([
    { id: "state/a", ...said, outcome: "failed", took: 0.1, error: "AssertionError: no" },
    { id: "state/b", ...said, accessBack: 7.5, outcome: "held", took: 1.2 },
  ]);
});

test.each(["{}", "[]", '{"testResults":"?"}'])("a report that says nothing (%s) is an empty run", (text) => {
  expect(readResults(text)).toEqual([]);
});
