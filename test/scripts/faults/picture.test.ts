import { expect, test } from "vitest";
import { accessPicture } from "../../../scripts/faults/picture.ts";
import type { FaultResult } from "../../../scripts/faults/results.ts";

const result = (id: string, more: Partial<FaultResult> = {}): FaultResult => ({
  id,
  done: "",
  holds: "",
  seen: [],
  outcome: "held",
  took: 1,
  ...more,
});

test("one bar for each case in which access mattered, as long as nobody got in, red where it failed", () => {
  const picture = accessPicture([
    result("state/none"),
    result("lock-out/b", { accessBack: 10 }),
    result("lock-out/a", { accessBack: 5, outcome: "failed" }),
  ]);
  const bars = [...picture.matchAll(/<rect x="330" y="\d+" width="(\d+)" height="15" rx="2" fill="(#\w+)"/g)];
  expect(bars.map(([, width, colour]) => [Number(width), colour])).toEqual([
    [270, "#b3261e"],
    [540, "#3b7ea1"],
  ]);
  expect(picture).not.toContain("state/none");
  expect(picture.indexOf("lock-out/a")).toBeLessThan(picture.indexOf("lock-out/b"));
});
