import { expect, test } from "vitest";
import { Problems, propertyPath } from "../../../infra/provider/problems.ts";

test.each<[readonly PropertyKey[], string]>([
  [["mode"], "mode"],
  [["keys", 0], "keys[0]"],
  [["a", "b_$1", "c"], "a.b_$1.c"],
  [["files", "/etc/motd", "mode"], 'files["/etc/motd"].mode'],
  [["env", 'a"b'], 'env["a\\"b"]'],
  [["net.core"], '["net.core"]'],
  [["0"], '["0"]'],
  [[], ""],
])("the path of %j is %s", (keys, path) => {
  expect(propertyPath(keys)).toBe(path);
});

test("problems are kept in order, but not those of what is not known yet", () => {
  const problems = new Problems(["later"], [["key"], ["files", "a", "content"]]);
  problems.add("mode", "is odd");
  problems.add(["later", 0], "is no number");
  problems.add(["files", "a b"], "is odd");
  expect(problems.found).toEqual([
    { property: "mode", reason: "is odd" },
    { property: 'files["a b"]', reason: "is odd" },
  ]);
  expect([problems.isUnknown("later"), problems.isUnknown("mode")]).toEqual([true, false]);
  expect([problems.isSecret("key"), problems.isSecret("mode")]).toEqual([true, false]);
  expect(problems.isSecret("key", "inside")).toBe(true);
  expect(
    [["files"], ["files", "a"], ["files", "b"], ["files", "a", "mode"]].map((path) => problems.isSecret(...path)),
  ).toEqual([true, true, false, false]);
  expect(problems.secretProperties).toEqual(["key", "files"]);
});
