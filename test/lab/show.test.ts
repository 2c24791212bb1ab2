import { expect, test } from "vitest";
import { cacheFolder } from "../../lab/places.ts";
import { portsThat } from "../../lab/probe.ts";
import { shellWords } from "../../lab/show.ts";

test("shell without a lab says so", async () => {
  await expect(shellWords(undefined, "dev", "root", [])).rejects.toThrow(
    'there is no machine "dev"\n  the lab was never up',
  );
});

test.each([
  [{ ONPREM_CACHE: "/x", HOME: "/home/a" }, "/x"],
  [{ XDG_CACHE_HOME: "/y", HOME: "/home/a" }, "/y/onprem"],
  [{ HOME: "/home/a" }, "/home/a/.cache/onprem"],
])("cacheFolder(%o) is %s", (env, expected) => {
  expect(cacheFolder(env)).toBe(expected);
});

test("portsThat sorts", () => {
  expect(
    portsThat(
      "open",
      new Map([
        [443, "open"],
        [22, "open"],
        [80, "filtered"],
      ] as const),
    ),
  ).toEqual([22, 443]);
});
