import { expect, test } from "vitest";
import { merged } from "../../../scripts/bench/merge.ts";
import { result, run } from "./result.ts";

const growth = { files: 20, parallel: 4, points: [] };

test("cells of several calls are put side by side, and never mixed", () => {
  const [here, again, elsewhere] = [run("floor", 2), run("floor", 9), run("floor", 3, { delay: "80" })];
  const all = merged([
    result([here], { command: "one" }),
    result([again, elsewhere], { command: "two", growth, missing: { salt: "none" } }),
  ]);
  expect(all.runs).toEqual([here, elsewhere]);
  expect(all).toMatchObject({ command: "one; two", growth, missing: { salt: "none" }, took: 122 });
});

test("one result stays as it is", () => {
  const only = result([run("floor", 2)]);
  expect(merged([only])).toEqual(only);
});

test("names every day and commit, and refuses to mix machines", () => {
  const [monday, tuesday] = [result([]), result([], { begun: "2026-01-03T04:05:06.000Z", commit: "def5678" })];
  expect(merged([monday, tuesday])).toMatchObject({
    begun: "2026-01-02 and 2026-01-03",
    commit: "abc1234 and def5678",
  });
  const elsewhere = result([], { machine: { ...monday.machine, cores: 64 } });
  expect(() => merged([monday, elsewhere])).toThrow("different machines");
});

test("what one call left out and another measured is not told as left out", () => {
  const skip = (delay: string) => ({
    peer: "floor",
    work: 20,
    delay,
    cases: ["nothing"] as const,
    why: "time was over",
  });
  const all = merged([
    result([], { skipped: [skip("80"), skip("10")] }),
    result([run("floor", 2, { delay: "80" })], { skipped: [] }),
  ]);
  expect(all.skipped).toEqual([skip("10")]);
  expect(all.runs).toHaveLength(1);
});
