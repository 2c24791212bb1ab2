import { expect, test } from "vitest";
import { checkLabName } from "../../lab/address-plan.ts";
import { labOfRun, runOfLab } from "../../scripts/test-labs.ts";

test.each([1, 4_194_304])("the lab of run %i is a lab's name, and leads back to the run", (pid) => {
  expect(runOfLab(checkLabName(labOfRun(pid)))).toBe(pid);
});

test("a test file's own labs lead back to it", () => {
  expect(["t123a", "t123v"].map(runOfLab)).toEqual([123, 123]);
});

test.each(["lab", "t123", "e2e", "e2ex1", "core"])("lab %s is no test run's", (name) => {
  expect(runOfLab(name)).toBeUndefined();
});
