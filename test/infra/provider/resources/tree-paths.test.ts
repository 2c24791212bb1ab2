import { describe, expect, test } from "vitest";
import {
  ancestors,
  at,
  chunks,
  matcher,
  own,
  parent,
  relativePathProblem,
  some,
} from "../../../../infra/provider/resources/tree-paths.ts";

test.each([
  ["**", ["a", "a/b", ".hidden", "a\nb", "a/.b/c"], []],
  ["*", ["a", ".hidden", "$(x)"], ["a/b"]],
  ["*.conf", ["a.conf", ".conf"], ["a.conf2", "axconf", "d/a.conf"]],
  ["conf.d/**", ["conf.d/a", "conf.d/a/b"], ["conf.d", "confxd/a"]],
  ["**/*.bak", ["a.bak", "a/b/c.bak"], ["a.bak/c"]],
  ["a?c", ["abc", "aøc", "a😀c"], ["ac", "a/c"]],
  ["[a](b)+^$|\\{2}", ["[a](b)+^$|\\{2}"], ["a"]],
])("the pattern %s matches what it says", (pattern, matching, other) => {
  const matches = matcher([pattern]);
  expect(matching.filter((path) => !matches(path))).toEqual([]);
  expect(other.filter(matches)).toEqual([]);
});

test("no pattern matches nothing", () => {
  expect(matcher([])("a")).toBe(false);
});

test.each(["a", "a/b c/d", "...", "-rf", "$(x)", "a\nb"])("%j is a relative path", (path) => {
  expect(relativePathProblem(path)).toBeUndefined();
});

test.each(["", "/a", "a/", "a//b", ".", "a/../b", "a\0b", `a/${"æ".repeat(128)}`])("%j is none", (path) => {
  expect(relativePathProblem(path)).toBeTypeOf("string");
});

describe("a path", () => {
  test("has ancestors, a parent and a place", () => {
    expect([ancestors("a"), ancestors("a/b/c")]).toEqual([[], ["a", "a/b"]]);
    expect([parent("a"), parent("a/b/c")]).toEqual([".", "a/b"]);
    expect([at("/r", "."), at("/r", "a")]).toEqual(["/r", "/r/a"]);
  });
});

test("paths are grouped by number and by length", () => {
  expect(chunks([])).toEqual([]);
  expect(chunks(["a", "b"])).toEqual([["a", "b"]]);
  expect(chunks(Array.from({ length: 1001 }, (_, index) => `${index}`)).map((group) => group.length)).toEqual([
    500, 500, 1,
  ]);
  expect(chunks(Array.from({ length: 40 }, () => "x".repeat(4000))).map((group) => group.length)).toEqual([16, 16, 8]);
});

test("a message names three", () => {
  expect(some(["a", "b", "c"])).toBe("a, b, c");
  expect(some(["a", "b", "c", "d", "e"])).toBe("a, b, c and 2 more");
});

test("a key of the prototype is no key of the map", () => {
  expect([own({ a: 1 }, "a"), own({ a: 1 }, "constructor")]).toEqual([1, undefined]);
});
