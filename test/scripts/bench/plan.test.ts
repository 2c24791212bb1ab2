import { expect, test } from "vitest";
import { expectedSeconds, isLarger, noDelay, parseDelay, parseWork, plan } from "../../../scripts/bench/plan.ts";
import { run } from "./result.ts";

test.each([
  { text: "0", delay: { name: "0", milliseconds: 0, loss: 0 } },
  { text: "80", delay: { name: "80", milliseconds: 80, loss: 0 } },
  { text: "80-loss5", delay: { name: "80-loss5", milliseconds: 80, loss: 5 } },
  { text: "80ms", delay: undefined },
  { text: "loss5", delay: undefined },
  { text: "80-loss", delay: undefined },
])("the delay $text", ({ text, delay }) => {
  expect(parseDelay(text)).toEqual(delay);
});

test.each([
  { text: "20", work: 20 },
  { text: "baseline", work: "baseline" },
  { text: "0", work: undefined },
  { text: "20000", work: undefined },
  { text: "many", work: undefined },
])("the work $text", ({ text, work }) => {
  expect(parseWork(text)).toBe(work);
});

test("the usual plan has every size, every delay and the baseline", () => {
  const cells = plan({});
  expect(new Set(cells.map(({ work }) => work))).toEqual(new Set([20, 200, 600, "baseline"]));
  expect(new Set(cells.map(({ delay }) => delay.name))).toEqual(new Set(["0", "10", "80", "80-loss5"]));
  expect(cells.every(({ repeats, cases }) => repeats >= 1 && cases.length > 0)).toBe(true);
});

test("chosen works and delays are combined, with all cases", () => {
  const eighty = { name: "80", milliseconds: 80, loss: 0 };
  const cases = ["first", "nothing", "change", "drift"];
  expect(plan({ works: [20, "baseline"], delays: [noDelay, eighty], repeats: 2 })).toEqual([
    { work: 20, delay: noDelay, cases, repeats: 2 },
    { work: 20, delay: eighty, cases, repeats: 2 },
    { work: "baseline", delay: noDelay, cases, repeats: 2 },
    { work: "baseline", delay: eighty, cases, repeats: 2 },
  ]);
});

test("chosen cases alone narrow the usual plan, and keep their order", () => {
  const cells = plan({ cases: ["drift", "first"] });
  expect(cells.map(({ cases }) => cases)).not.toContainEqual(["drift", "first"]);
  expect(cells.flatMap(({ cases }) => cases).every((name) => name === "first" || name === "drift")).toBe(true);
});

test("no work, chosen or left over, is no cell", () => {
  expect(plan({ works: [] })).toEqual([]);
  expect(plan({ cases: [] })).toEqual([]);
});

test.each([
  [200, 20, true],
  [20, 20, false],
  [20, 200, false],
  ["baseline", 20, false],
  [200, "baseline", false],
] as const)("%s is larger than %s: %s", (work, than, larger) => {
  expect(isLarger(work, than)).toBe(larger);
});

test("what a larger work would take is read off a line through two smaller ones", () => {
  const runs = [run("a", 4), run("a", 3, { case: "drift" }), run("a", 22, { work: 200 }), run("b", 9, { work: 200 })];
  const at = (peer: string, work: number) => expectedSeconds(runs, peer, { work, delay: noDelay });
  expect([at("a", 600), at("a", 200), at("b", 600)]).toEqual([62, undefined, undefined]);
});
