import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { keepResult, readKeptResult } from "../../scripts/kept-result.ts";

test("what was kept is read again, and what is no result says which file to give", async () => {
  const folder = await mkdtemp(join(tmpdir(), "onprem-kept-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "new", "result.json");
  await keepResult(file, { took: 7 });
  expect(await readKeptResult(file)).toEqual({ took: 7 });
  await writeFile(file, "{");
  for (const wrong of [file, join(folder, "none.json")]) {
    await expect(readKeptResult(wrong)).rejects.toThrow("the earlier result could not be read");
  }
});
