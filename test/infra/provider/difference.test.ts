import { expect, test } from "vitest";
import { type Difference, differences } from "../../../infra/provider/difference.ts";
import { LocalFile } from "../../../infra/provider/step.ts";
import { OtherAsset, UNKNOWN } from "../../../infra/provider/values.ts";

const text = (hash: string) => new OtherAsset("text", { text: "x", hash });
const update = (...path: (string | number)[]): Difference => ({ path, change: "update" });
const add = (...path: (string | number)[]): Difference => ({ path, change: "add" });
const remove = (...path: (string | number)[]): Difference => ({ path, change: "delete" });

test.each<[string, unknown, unknown, Difference[]]>([
  ["equal maps", { a: { b: [1, "2", null] } }, { a: { b: [1, "2", null] } }, []],
  ["absent and undefined", {}, { a: undefined }, []],
  ["another value", { a: 1 }, { a: 2 }, [update("a")]],
  ["another type", { a: 1 }, { a: "1" }, [update("a")]],
  ["a map that becomes a list", { a: {} }, { a: [] }, [update("a")]],
  ["null that becomes a map", { a: null }, { a: {} }, [update("a")]],
  ["keys, sorted", { b: 1, c: 1, a: 1 }, { c: 2, a: 2, d: 1 }, [update("a"), remove("b"), update("c"), add("d")]],
  ["a longer list", [1, 2], [1, 3, 4], [update(1), add(2)]],
  ["a shorter list", [1, 2], [2], [update(0), remove(1)]],
  ["deep inside", { a: [{ b: { c: 1 } }] }, { a: [{ b: { c: 2 } }] }, [update("a", 0, "b", "c")]],
  ["what is not known yet", { a: 1 }, { a: UNKNOWN }, [update("a")]],
  ["files by hash, not by path", new LocalFile("x", "1"), new LocalFile("y", "1"), []],
  ["files of other content", new LocalFile("x", "1"), new LocalFile("x", "2"), [update()]],
  ["a text whose state knows the hash alone", new LocalFile("", "1"), text("1"), []],
  ["texts", text("1"), text("2"), [update()]],
  ["a file that becomes a map", new LocalFile("x", "1"), { path: "x", sha256: "1" }, [update()]],
])("%s", (_, before, after, expected) => {
  expect(differences(before, after)).toEqual(expected);
});
