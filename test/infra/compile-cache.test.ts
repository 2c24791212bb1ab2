import { execFile } from "node:child_process";
import { chmod, lstat, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { compileCacheFolder } from "../../infra/compile-cache.mjs";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "onprem-compiled-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

describe("the folder", () => {
  test.each([
    ["the tools cache of this project", (home: string) => ({ ONPREM_CACHE: home, HOME: "/nowhere" }), "compiled"],
    ["the account's caches", (home: string) => ({ XDG_CACHE_HOME: home, HOME: "/nowhere" }), "onprem/compiled"],
    ["the account's home", (home: string) => ({ HOME: home }), ".cache/onprem/compiled"],
  ])("is in %s, and nobody else's", async (_, env, path) => {
    expect(compileCacheFolder(env(home))).toBe(join(home, path));
    expect((await lstat(join(home, path))).mode & 0o777).toBe(0o700);
  });

  test("is what Node was told already", () => {
    expect(compileCacheFolder({ NODE_COMPILE_CACHE: "/told", HOME: home })).toBe("/told");
  });

  test("is none where others may write, or where it cannot be made", async () => {
    const folder = compileCacheFolder({ ONPREM_CACHE: home }) ?? "";
    await chmod(folder, 0o770);
    expect(compileCacheFolder({ ONPREM_CACHE: home })).toBeUndefined();
    await rm(folder, { recursive: true });
    await writeFile(folder, "");
    expect(compileCacheFolder({ ONPREM_CACHE: home })).toBeUndefined();
    expect(compileCacheFolder({ ONPREM_CACHE: join(folder, "below") })).toBeUndefined();
  });
});

test("a process that is killed leaves what it compiled, and works where there is no folder", async () => {
  const cache = new URL("../../infra/compile-cache.mjs", import.meta.url).href;
  const typed = join(home, "typed.mts");
  await writeFile(typed, "export const answer: number = 42;\n");
  const script = `
    const { useCompileCache, keepCompiled } = await import(${JSON.stringify(cache)});
    useCompileCache();
    console.log((await import(${JSON.stringify(typed)})).answer);
    keepCompiled();
    setTimeout(() => process.kill(process.pid, "SIGKILL"), 2_500);`;
  const start = (env: NodeJS.ProcessEnv) =>
    promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env }).catch((error) => error);
  expect((await start({ ONPREM_CACHE: home })).stdout).toBe("42\n");
  expect(await readdir(join(home, "compiled"))).not.toEqual([]);
  await rm(join(home, "compiled"), { recursive: true });
  await writeFile(join(home, "compiled"), "");
  expect((await start({ ONPREM_CACHE: home })).stdout).toBe("42\n");
});
