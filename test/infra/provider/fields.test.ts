import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  absolutePath,
  accountName,
  byFields,
  fileMode,
  localFile,
  withDefaults,
} from "../../../infra/provider/fields.ts";
import { type Problem, Problems } from "../../../infra/provider/problems.ts";
import { LocalFile } from "../../../infra/provider/step.ts";
import { OtherAsset } from "../../../infra/provider/values.ts";

describe("a path", () => {
  test.each(["/", "/etc/motd", "/a b", "/-x", "/…", "/a..b", `/${"x".repeat(4094)}`])("takes %j", (path) => {
    expect(absolutePath.parse(path)).toBe(path);
  });
  test.each(["", "etc", "~/x", "/a/", "//", "/a//b", "/a/./b", "/..", "/a/..", "/a\0b", `/${"æ".repeat(2048)}`, 1])(
    "refuses %j",
    (path) => {
      expect(absolutePath.safeParse(path).success).toBe(false);
    },
  );
});

test.each([
  ["0644", "0644"],
  ["644", "0644"],
  ["4755", "4755"],
  ["99", undefined],
  ["0888", undefined],
  ["00644", undefined],
  ["u+x", undefined],
  [644, undefined],
])("the mode %j is %j", (given, mode) => {
  expect(fileMode.safeParse(given).data).toBe(mode);
});

test.each([
  ["root", true],
  ["_apt", true],
  ["www-data", true],
  ["a.b", true],
  ["x".repeat(32), true],
  ["x".repeat(33), false],
  ["-R", false],
  ["1a", false],
  [".a", false],
  ["a:b", false],
  ["a b", false],
  ["Root", false],
  ["a\n", false],
  ["", false],
])("an account called %j: %s", (name, allowed) => {
  expect(accountName.safeParse(name).success).toBe(allowed);
});

test("a local file is an asset of a file, not of a text", () => {
  expect(localFile.safeParse(new LocalFile("x", "ab")).success).toBe(true);
  expect(localFile.safeParse(new OtherAsset("text", { text: "x" })).success).toBe(false);
});

describe("byFields", () => {
  interface Want {
    name: string;
    count: number;
    keys?: string[];
    more?: { a: string };
    map?: Record<string, string>;
  }
  const check = byFields<Want>(
    {
      name: z.string(),
      count: z.number().int().default(3),
      keys: z.array(z.string()).optional(),
      more: z.strictObject({ a: z.string() }).optional(),
      map: z.record(z.string().regex(/^[a-z]+$/, "must be lower case"), z.string()).optional(),
    },
    (want, problems) => {
      if (want.name === "both") problems.add("count", "does not go with this name");
    },
  );
  const asked = (given: object, unknown: string[] = [], secret: string[] = []) => {
    const problems = new Problems(
      unknown,
      secret.map((key) => [key]),
    );
    return { want: check(given as Partial<Want>, problems), problems: problems.found };
  };

  test("fills in defaults and leaves out what is absent", () => {
    expect(asked({ name: "a" })).toEqual({ want: { name: "a", count: 3 }, problems: [] });
  });

  test.each<[string, object, Problem[]]>([
    ["what is missing", {}, [{ property: "name", reason: "is required" }]],
    [
      "what is unknown, with what is allowed",
      { name: "a", nmae: "b" },
      [{ property: "nmae", reason: "unknown property; allowed are count, keys, map, more, name" }],
    ],
    [
      "a name that every object has",
      { name: "a", toString: "b" },
      [{ property: "toString", reason: expect.stringMatching(/^unknown property/) }],
    ],
    [
      "each at its place, all at once",
      { name: 1, count: 1.5, keys: ["a", 2] },
      [
        { property: "name", reason: "Invalid input: expected string, received number; given: 1" },
        { property: "count", reason: "Invalid input: expected int, received number; given: 1.5" },
        { property: "keys[1]", reason: "Invalid input: expected string, received number; given: 2" },
      ],
    ],
    [
      "an unknown key inside",
      { name: "a", more: { a: "b", "x y": 1 } },
      [{ property: 'more["x y"]', reason: "unknown property" }],
    ],
    [
      "a key that does not look as it must",
      { name: "a", map: { X: "b" } },
      [{ property: "map.X", reason: "must be lower case; given as a key" }],
    ],
    ["what does not go together", { name: "both" }, [{ property: "count", reason: "does not go with this name" }]],
    [
      "a long value in part",
      { name: ["x".repeat(500)] },
      [{ property: "name", reason: expect.stringMatching(/given: \["x{114,118}\.\.\.$/) }],
    ],
  ])("reports %s", (_, given, problems) => {
    expect(asked(given).problems).toEqual(problems);
  });

  test("asks nothing of what is not known yet", () => {
    expect(asked({ keys: ["a"] }, ["name"])).toEqual({ want: { keys: ["a"], count: 3 }, problems: [] });
  });

  test("shows no secret, at no depth", () => {
    const { problems } = asked({ name: 12345, keys: ["a", 67890] }, [], ["name", "keys"]);
    expect(JSON.stringify(problems)).not.toMatch(/12345|67890/);
    expect(problems).toHaveLength(2);
  });
});

test("inputs that an earlier version has left get the defaults of what came since, and keep their own", () => {
  const fields = { name: z.string(), mode: z.string().default("0644"), keys: z.array(z.string()).default(["a"]) };
  expect(withDefaults(fields, { name: "x", mode: "0600" })).toEqual({ name: "x", mode: "0600", keys: ["a"] });
});
