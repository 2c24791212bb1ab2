import { expect, test } from "vitest";
import { notBegun } from "../../../scripts/start/engine-events.ts";
import { describeUpdates } from "../../../scripts/start/update-progress.ts";

const pace = { resources: 40, seconds: 90 };
const update = { name: "dev", state: notBegun, elapsed: 5, pace, ended: false };

test.each([
  { update: { ...update, elapsed: undefined }, line: "dev: waits" },
  { update, line: "dev: looks at 0 of 40, 5 s, about 1 min 25 s left" },
  {
    update: { ...update, state: { ...notBegun, looked: 41, done: 12, current: "Package base" }, elapsed: 30 },
    line: "dev: at 12 of 40, 30 s, about 1 min 00 s left, Package base",
  },
  {
    update: { ...update, state: { ...notBegun, done: 44 }, elapsed: 300 },
    line: "dev: at 44 of 44, 5 min 00 s, about 1 s left",
  },
  { update: { ...update, ended: true }, line: "dev: done" },
  { update: { ...update, ended: true, state: { ...notBegun, errors: ["no"] } }, line: "dev: failed" },
])("$line", ({ update, line }) => {
  expect(describeUpdates([update])).toBe(line);
});

test("all updates stand in one line", () => {
  expect(
    describeUpdates([
      { ...update, ended: true },
      { ...update, name: "test", elapsed: undefined },
    ]),
  ).toBe("dev: done | test: waits");
});
