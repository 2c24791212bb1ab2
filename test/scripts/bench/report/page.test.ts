import { describe, expect, test } from "vitest";
import { aimsOf } from "../../../../scripts/bench/aims.ts";
import { growthText } from "../../../../scripts/bench/report/growth-text.ts";
import { performancePage } from "../../../../scripts/bench/report/page.ts";
import { picturesOf } from "../../../../scripts/bench/report/pictures.ts";
import { summary } from "../../../../scripts/bench/report/summary.ts";
import { result, run } from "../result.ts";

const runs = [
  run("floor", 2),
  run("floor", 2.5, { repeat: 2 }),
  run("onprem-file", 3),
  run("pyinfra", 240, { outcome: "too long" }),
  run("ansible", 9, { outcome: "failed", why: "it | broke" }),
];
const whole = result(runs, {
  missing: { "@pulumi/command": "no plugin" },
  skipped: [{ peer: "pyinfra", work: 600, delay: "0", cases: ["first", "nothing"], why: "too slow" }],
});

describe("the page", () => {
  const page = performancePage(whole, new Set(picturesOf(whole).keys()));

  test("says where, when and by what it was measured", () => {
    expect(page).toContain("Measured on 2026-01-02 at commit `abc1234`");
    expect(page).toContain("Some CPU with 2 cores and 24 GiB, Debian GNU/Linux 12");
  });

  test("gives medians with their spread, bounds, and failures as such", () => {
    const table = page.slice(page.indexOf("### 20 files per host, no delay"));
    expect(table.split("\n").slice(2, 8)).toEqual([
      "| Seconds | nothing |",
      "|---|---|",
      "| the floor | **2.3** (2.0–2.5, 2 runs) |",
      "| the onprem-file | **3.0** (1 run) |",
      "| the pyinfra | more than 240 |",
      "| the ansible | failed |",
    ]);
  });

  test("names what is missing, what was not measured and what failed, and why", () => {
    expect(page).toContain("| @pulumi/command | missing | no plugin |");
    expect(page).toContain("| the pyinfra | 600 files per host, no delay | first, nothing | too slow |");
    expect(page).toContain("| the ansible | 20 files per host, no delay | nothing, run 1 | it \\| broke |");
  });

  test("has no empty section for a cell in which nothing was measured", () => {
    expect(page).not.toContain("### 600 files per host");
  });

  test("shows a picture only where there is one", () => {
    expect(page).toContain("](performance.svg)");
    expect(page).not.toContain("performance-growth.svg");
  });
});

test("the terminal gets the medians and the aims that are known", () => {
  const text = summary(whole, aimsOf(whole));
  expect(text).toContain("20 files per host, no delay (seconds, median)");
  expect(text).toContain("  met     20 files as single resources, nothing to do: at most 1.5 times the floor");
  expect(text).not.toContain("under 300 MB");
});

describe("the growth", () => {
  const point = (hosts: number, way: "one stack" | "a stack each", median: number) => ({
    hosts,
    way,
    seconds: { median, min: median - 0.5, max: median + 0.5, count: 2 },
    cpu: median,
    memory: hosts * 100e6,
  });
  const straight = [1, 3, 10].flatMap((hosts) => [
    point(hosts, "one stack", 2 + hosts),
    point(hosts, "a stack each", 2 * hosts),
  ]);

  test("says what a further host costs, and that nothing bends", () => {
    const text = growthText({ files: 20, parallel: 4, points: straight });
    expect(text).toContain("In one stack, a further host costs 1.00 s from 1 to 3, 1.00 s from 3 to 10.");
    expect(text).toContain("does not bend upwards");
    expect(text).toContain("**300 servers, calculated**");
    expect(text).toContain("in one stack 302 s and 30.0 GB of memory at once");
    expect(text).toContain("as a stack each, 4 at a time, 600 s");
  });

  test("shows the spread of each point", () => {
    const page = performancePage(result([], { growth: { files: 20, parallel: 4, points: straight } }), new Set());
    expect(page).toContain("| 3 | one stack | 5.0 (4.5–5.5) | 5.0 | 300 |");
  });

  test("says where it bends", () => {
    const points = [...straight.filter(({ way }) => way === "one stack"), point(30, "one stack", 92)];
    expect(growthText({ files: 20, parallel: 4, points })).toContain(
      "The curve bends at 10 hosts: from there on a further host costs 4.00 s.",
    );
  });
});
