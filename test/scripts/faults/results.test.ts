import { expect, test } from "vitest";
import { cacheFolder } from "../../../lab/places.ts";
import { merged, readResults } from "../../../scripts/faults/results.ts";

const said = { done: "cut", holds: "back", seen: ["It was back"] };
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
    "abc1234",
    ["state/a", "state/b"],
  );
  expect(results).toEqual([
    { id: "state/a", ...said, outcome: "failed", took: 0.1, commit: "abc1234", error: "AssertionError: no" },
    { id: "state/b", ...said, accessBack: 7.5, outcome: "held", took: 1.2, commit: "abc1234" },
  ]);
});

test.each(["{}", "[]", '{"testResults":"?"}', '{"testRes'])(
  "of a report that says nothing (%s) every case has failed",
  (text) => {
    expect(readResults(text, "abc1234", ["state/a"])).toEqual([
      {
        id: "state/a",
        done: "",
        holds: "",
        seen: [],
        outcome: "failed",
        took: 0,
        commit: "abc1234",
        error: "It was never begun",
      },
    ]);
    expect(readResults(text, "abc1234", [])).toEqual([]);
  },
);

test("what was run again takes the place of what was seen before", () => {
  const machine = { processor: "CPU", cores: 2, memory: 1, kernel: "6", system: "Debian", node: "v24", load: 0 };
  const result = (id: string, commit: string) => ({ id, ...said, outcome: "held" as const, took: 1, commit });
  const earlier = { begun: "2026-01-01", machine, results: [result("a/a", "old"), result("a/b", "old")] };
  const run = { begun: "2026-01-02", machine, results: [result("a/b", "new")] };
  expect(merged(run, earlier)).toEqual({ ...run, results: [result("a/b", "new"), result("a/a", "old")] });
  expect(merged(run, undefined)).toEqual(run);
});

test("what is this machine's alone is not told", () => {
  const seen = [`"cannot read ${cacheFolder()}/lab/key"`, "failed to fetch http://mirror.example/debian/dists"];
  const [result] = readResults(
    json([{ title: "state/a", status: "passed", meta: { fault: { ...said, seen } } }]),
    "abc1234",
    ["state/a"],
  );
  expect(result?.seen).toEqual([
    '"cannot read ~/.cache/onprem/lab/key"',
    "Failed to fetch http://ARCHIVE/debian/dists",
  ]);
});
