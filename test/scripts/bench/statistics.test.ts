import { expect, test } from "vitest";
import { line, spread } from "../../../scripts/bench/statistics.ts";

test.each([
  { values: [3], spread: { median: 3, min: 3, max: 3, count: 1 } },
  { values: [5, 1, 3], spread: { median: 3, min: 1, max: 5, count: 3 } },
  { values: [4, 1, 2, 10], spread: { median: 3, min: 1, max: 10, count: 4 } },
])("the spread of $values", ({ values, spread: expected }) => {
  expect(spread(values)).toEqual(expected);
});

test("nothing has no spread, and what is given stays in its order", () => {
  const values = [2, 1];
  spread(values);
  expect([spread([]), values]).toEqual([undefined, [2, 1]]);
});

test("the nearest line goes through points that lie on one, and between those that do not", () => {
  expect(
    line([
      [1, 5],
      [3, 9],
      [10, 23],
    ]),
  ).toEqual({ at0: 3, slope: 2 });
  expect(
    line([
      [0, 0],
      [1, 3],
      [2, 3],
    ]),
  ).toEqual({ at0: 0.5, slope: 1.5 });
});
