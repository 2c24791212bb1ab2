import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { writeWhole } from "../../scripts/write-whole.ts";

test("a file is there whole, and nothing beside it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "onprem-whole-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeWhole(join(folder, "a"), "one");
  await writeWhole(join(folder, "a"), "two");
  expect([await readFile(join(folder, "a"), "utf8"), await readdir(folder)]).toEqual(["two", ["a"]]);
  await expect(writeWhole(join(folder, "none", "a"), "x")).rejects.toThrow("ENOENT");
});
