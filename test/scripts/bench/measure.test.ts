import { expect, test } from "vitest";
import { asCalled } from "../../../scripts/bench/measure.ts";

test.each([
  [[], "npm run bench"],
  [["--json", "/tmp/a.json"], "npm run bench"],
  [["--work", "20", "--json", "/tmp/a.json", "--write"], "npm run bench -- --work 20 --write"],
  [["--json=/tmp/a.json", "--growth"], "npm run bench -- --growth"],
] as const)("%j is told as %s", (args, told) => {
  expect(asCalled(args)).toBe(told);
});
