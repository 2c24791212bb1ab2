import { expect, test } from "vitest";
import { checkLabName } from "../../lab/address-plan.ts";
import { labsAtATime, labsOfRun, runOfLab } from "../../scripts/test-labs.ts";

test.each([1, 4_194_304])("the labs of run %i have a lab's names, and lead back to the run", (pid) => {
  const names = labsOfRun(pid);
  expect(new Set(names).size).toBe(labsAtATime);
  expect(names.map((name) => runOfLab(checkLabName(name)))).toEqual(names.map(() => pid));
});

test("a test file's own labs lead back to it", () => {
  expect(["t123a", "t123v"].map(runOfLab)).toEqual([123, 123]);
});

test.each(["lab", "t123", "e2e", "e2ex1", "core"])("lab %s is no test run's", (name) => {
  expect(runOfLab(name)).toBeUndefined();
});
