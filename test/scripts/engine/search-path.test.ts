import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findExecutable, isBelow, prependPath } from "../../../scripts/engine/search-path.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onprem-path-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("the first executable file of that name is found; folders, plain files and relative folders are not", async () => {
  for (const name of ["a", "b", "c"]) await mkdir(join(folder, name));
  await mkdir(join(folder, "a", "tool"));
  await writeFile(join(folder, "b", "tool"), "");
  await writeFile(join(folder, "c", "tool"), "", { mode: 0o755 });
  const path = ["bin", "", ...["a", "b", "c"].map((name) => join(folder, name))].join(":");
  expect(findExecutable("tool", path)).toBe(join(folder, "c", "tool"));
  await chmod(join(folder, "b", "tool"), 0o755);
  expect(findExecutable("tool", path)).toBe(join(folder, "b", "tool"));
  expect(findExecutable("tool", undefined)).toBeUndefined();
});

test.each([
  { folders: ["/a", "/b"], path: "/c:/d", result: "/a:/b:/c:/d" },
  { folders: ["/a"], path: "/c:/a:/d", result: "/a:/c:/d" },
  { folders: ["/a", "/a"], path: "", result: "/a" },
  { folders: ["/a"], path: undefined, result: "/a" },
])("$folders before $path", ({ folders, path, result }) => {
  expect(prependPath(folders, path)).toBe(result);
});

test("a link out of a folder is not below it", async () => {
  await mkdir(join(folder, "cache"));
  await writeFile(join(folder, "outside"), "");
  await writeFile(join(folder, "cache", "inside"), "");
  await symlink(join(folder, "outside"), join(folder, "cache", "link"));
  expect(isBelow(join(folder, "cache", "inside"), join(folder, "cache"))).toBe(true);
  expect(isBelow(join(folder, "cache", "link"), join(folder, "cache"))).toBe(false);
  expect(isBelow(join(folder, "absent"), folder)).toBe(false);
});
