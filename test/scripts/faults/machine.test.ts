import { expect, test } from "vitest";
import { readSetting } from "../../../scripts/faults/machine.ts";

test("says when, from which commit and on what something was measured", async () => {
  expect(await readSetting(new Date("2026-11-27T23:59:00Z"))).toEqual({
    date: "2026-11-27",
    commit: expect.stringMatching(/^([0-9a-f]{7,}|unknown)\+?$/),
    machine: expect.stringMatching(/^\d+ x .+, \d+ GiB$/),
    system: expect.stringMatching(/, Linux \d+\./),
  });
});
