import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { installTool, readOrigin } from "../../../scripts/engine/tool-folder.ts";

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "onprem-tools-"));
});
afterEach(() => rm(cache, { recursive: true }));

const quiet = { onWait: () => undefined };
const tool = () => join(cache, "tools", "pulumi-1.0.0");

test("a tool appears whole, with where it came from, and is not made twice", async () => {
  const fill = async (draft: string) => {
    expect(await readOrigin(tool())).toBeUndefined();
    await writeFile(join(draft, "pulumi"), "");
    return "vendor's installer" as const;
  };
  expect(await installTool(tool(), fill, quiet)).toBe("vendor's installer");
  expect((await readdir(tool())).sort()).toEqual(["origin.json", "pulumi"]);
  const again = () => Promise.reject(new Error("made twice"));
  expect(await installTool(tool(), again, quiet)).toBe("vendor's installer");
});

test("a failure leaves nothing behind", async () => {
  const fill = async (draft: string) => {
    await writeFile(join(draft, "half"), "");
    throw new Error("interrupted");
  };
  await expect(installTool(tool(), fill, quiet)).rejects.toThrow("interrupted");
  expect(await readdir(join(cache, "tools"))).toEqual([]);
});

test("what a killed run left is removed: its lock, its draft, and a folder that is not complete", async () => {
  const tools = join(cache, "tools");
  await installTool(tool(), async () => "vendor's installer", quiet);
  await rm(join(tool(), "origin.json"));
  await writeFile(join(tools, "pulumi-1.0.0.lock"), "999999999 1\n");
  await writeFile(join(tools, "pulumi-1.0.0.draft-999999999"), "");
  expect(await installTool(tool(), async () => "built from pinned Go modules", quiet)).toBe(
    "built from pinned Go modules",
  );
  expect(await readdir(tools)).toEqual(["pulumi-1.0.0"]);
});

test("two at once: one makes it, the other waits and finds it", async () => {
  let made = 0;
  const waited: number[] = [];
  const fill = async () => {
    made += 1;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return "vendor's installer" as const;
  };
  const options = { onWait: (holder: number) => waited.push(holder) };
  await Promise.all([installTool(tool(), fill, options), installTool(tool(), fill, options)]);
  expect({ made, waited }).toEqual({ made: 1, waited: [process.pid] });
});
