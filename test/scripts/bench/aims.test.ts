import { describe, expect, test } from "vitest";
import { aimsOf } from "../../../scripts/bench/aims.ts";
import type { Result } from "../../../scripts/bench/measurement.ts";
import { result, run } from "./result.ts";

const aim = (from: Result, id: string) => {
  const found = aimsOf(from).find((one) => one.id === id);
  if (found === undefined) throw new Error(`there is no aim ${id}`);
  const { measured, met, remark } = found;
  return { measured, met, remark };
};

describe("against the floor", () => {
  test("met", () => {
    const runs = [run("floor", 2), run("onprem-file", 2.4)];
    expect(aim(result(runs), "floor-20-files")).toEqual({
      measured: "1.20 times (2.4 s against 2.0 s)",
      met: true,
      remark: "20 % below",
    });
  });

  test("missed, by medians and by how much", () => {
    const runs = [run("floor", 2), run("floor", 1), run("floor", 9), run("onprem-file", 6)];
    expect(aim(result(runs), "floor-20-files")).toEqual({
      measured: "3.00 times (6.0 s against 2.0 s)",
      met: false,
      remark: "missed by 100 %",
    });
  });

  test("failed runs count for nothing", () => {
    const failed = run("onprem-file", 0.1, { outcome: "failed", why: "no" });
    expect(aim(result([run("floor", 2), failed]), "floor-20-files").met).toBeUndefined();
  });
});

test("against pyinfra a run that was ended counts as its limit, and the aim says so", () => {
  const files = { work: 600 };
  const runs = [run("onprem-file", 30, files), run("pyinfra", 240, { ...files, outcome: "too long" })];
  expect(aim(result(runs), "pyinfra-600")).toEqual({
    measured: "0.13 times (30.0 s against more than 240.0 s)",
    met: true,
    remark: "64 % below",
  });
});

test("everywhere means the worst of all cases in which both were measured", () => {
  const runs = [
    run("onprem-file", 3),
    run("ansible", 30),
    run("onprem-file", 10, { case: "first" }),
    run("ansible", 40, { case: "first" }),
    run("onprem-file", 10, { work: 200 }),
  ];
  expect(aim(result(runs), "ansible-onprem-file")).toEqual({
    measured: "at worst 0.25 times (20 files, 0 ms, first)",
    met: false,
    remark: "in 1 of 2 cases; at worst missed by 25 %",
  });
  expect(aim(result(runs), "first-onprem-file").met).toBeUndefined();
});

test("round trips are those above the log-in", () => {
  const slow = { delay: "80" };
  const runs = [run("onprem-file", 3, slow, { roundTrips: 19 })];
  const roundTrips = { login: 7, ready: 9 };
  const taken = { parts: [], files: 20, whole: 3, roundTrips };
  expect(aim(result(runs, { breakdown: taken }), "round-trips-onprem-file")).toEqual({
    measured: "12 (19 less 7 for TCP, key exchange and log-in)",
    met: false,
    remark: "missed by 2",
  });
  expect(aim(result(runs), "round-trips-onprem-file")).toEqual({
    measured: "not measured",
    met: undefined,
    remark: "19 with connecting, whose share --breakdown measures",
  });
});

test("memory is that of our own processes", () => {
  const runs = [run("onprem-file", 3, { work: 600 }, { memory: 700e6, ownMemory: 310e6 })];
  expect(aim(result(runs), "memory")).toEqual({
    measured: "310 MB for program and plugins (700 MB with Pulumi's engine)",
    met: false,
    remark: "missed by 10 MB",
  });
});

test("a result of nothing knows of no aim", () => {
  expect(aimsOf(result([])).map(({ met }) => met)).toEqual(Array(aimsOf(result([])).length).fill(undefined));
});

test("a run of ours that was ended does not fall out of what is compared everywhere", () => {
  const runs = [run("onprem-file", 240, { outcome: "too long" }), run("ansible", 300)];
  expect(aim(result(runs), "ansible-onprem-file")).toMatchObject({
    met: false,
    measured: expect.stringContaining("0.80"),
  });
});
