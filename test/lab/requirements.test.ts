import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { labFolder } from "../../lab/places.ts";
import { missingPackages } from "../../lab/requirements.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "requirements-"));
  await writeFile(join(folder, "there"), "", { mode: 0o755 });
});
afterAll(() => rm(folder, { recursive: true }));

test("missingPackages names each package once, for programs on the search path and files by their path", () => {
  const needs = { there: "a", "not-there-x": "c", "not-there-y": "c", "/": "d", "/not/there": "b" };
  expect(missingPackages(needs, ["/nowhere", folder].join(delimiter))).toEqual(["b", "c"]);
  expect(missingPackages({ there: "a" }, "/nowhere")).toEqual(["a"]);
});

test.each(["/a:b", "/a,b", "/a b", "/a\\b"])("a cache at %o is refused, for mount(8) would misread it", (path) => {
  const before = process.env.ONPREM_CACHE;
  try {
    process.env.ONPREM_CACHE = path;
    expect(labFolder).toThrow(`the lab cannot work in ${path}/lab\n`);
  } finally {
    if (before === undefined) delete process.env.ONPREM_CACHE;
    else process.env.ONPREM_CACHE = before;
  }
});
