import { expect, test } from "vitest";
import { describeTally, isGood, tally } from "../../../scripts/ci/tally.ts";

const file = (status: string, ...tests: string[]) => ({
  name: "/project/test/a.test.ts",
  status,
  assertionResults: tests.map((status) => ({ status, title: "a test" })),
});
const report = (success: boolean, passed: number, failed: number, ...testResults: object[]) =>
  JSON.stringify({ success, numPassedTests: passed, numFailedTests: failed, testResults });

test.each([
  {
    name: "all passed",
    json: report(true, 2, 0, file("passed", "passed", "passed")),
    line: "2 passed, 0 failed",
    good: true,
  },
  {
    name: "one failed",
    json: report(false, 1, 1, file("failed", "passed", "failed")),
    line: "1 passed, 1 failed",
    good: false,
  },
  {
    name: "a file that could not be read",
    json: report(false, 1, 0, file("passed", "passed"), file("failed")),
    line: "1 passed, 1 failed",
    good: false,
  },
  {
    name: "a set-up that failed",
    json: report(false, 0, 0, file("failed", "skipped", "skipped")),
    line: "0 passed, 1 failed",
    good: false,
  },
  {
    name: "an error that nobody awaited",
    json: report(false, 3, 0, file("passed", "passed")),
    line: "3 passed, 1 failed",
    good: false,
  },
  { name: "no test", json: report(true, 0, 0), line: "0 passed, 0 failed", good: false },
  { name: "no report", json: undefined, line: "0 passed, 1 failed", good: false },
  { name: "half a report", json: '{"success": true, "numPas', line: "0 passed, 1 failed", good: false },
  { name: "another report", json: "[]", line: "0 passed, 1 failed", good: false },
])("$name: $line", ({ json, line, good }) => {
  const counted = tally(json);
  expect([describeTally(counted), isGood(counted)]).toEqual([line, good]);
});
