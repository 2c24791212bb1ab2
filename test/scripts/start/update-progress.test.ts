import { expect, test } from "vitest";
import { notBegun } from "../../../scripts/start/engine-events.ts";
import { describeUpdates } from "../../../scripts/start/update-progress.ts";

const usual = { resources: 40, changes: 40, seconds: 90, of: "usual" } as const;
const last = { resources: 40, changes: 0, seconds: 10, of: "last time" } as const;
const update = { name: "dev", state: notBegun, elapsed: 5, pace: usual, ended: false };

test.each([
  { update: { ...update, elapsed: undefined }, line: "dev: waits" },
  { update, line: "dev: looks at 0 of 40, 5 s, about 1 min 25 s left" },
  {
    update: { ...update, state: { ...notBegun, done: 12, current: "Package base" }, elapsed: 30 },
    line: "dev: at 12 of 40, 30 s, about 1 min 00 s left, Package base",
  },
  {
    update: { ...update, state: { ...notBegun, done: 44 }, elapsed: 300 },
    line: "dev: at 44 of 44, 5 min 00 s, longer than usual",
  },
  // A server that is there already is another matter than an empty one.
  { update: { ...update, state: { ...notBegun, looked: 41, done: 12 } }, line: "dev: at 12 of 40, 5 s" },
  {
    update: { ...update, pace: last, state: { ...notBegun, looked: 30 } },
    line: "dev: looks at 30 of 40, 5 s, about 5 s left",
  },
  { update: { ...update, pace: last, elapsed: 12 }, line: "dev: looks at 0 of 40, 12 s, longer than last time" },
  // The last one changed nothing and this one does, or the other way round.
  {
    update: { ...update, pace: last, state: { ...notBegun, done: 3, changes: { update: ["File a"] } } },
    line: "dev: at 3 of 40, 5 s",
  },
  { update: { ...update, pace: { ...last, changes: 2 } }, line: "dev: looks at 0 of 40, 5 s" },
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
