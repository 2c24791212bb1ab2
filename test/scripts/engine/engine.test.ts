import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { engineFolder, ensureEngine, findEngine } from "../../../scripts/engine/engine.ts";
import { engineVersion, oldestEngine } from "../../../scripts/engine/versions.ts";
import { Reporter } from "../../../scripts/reporter.ts";

let folder: string;
let said: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onprem-engine-"));
  said = [];
});
afterEach(() => rm(folder, { recursive: true }));

const env = () => ({ ONPREM_CACHE: join(folder, "cache"), PATH: join(folder, "bin"), HOME: folder });

async function program(name: string, says: string, where = join(folder, "bin")): Promise<void> {
  await mkdir(where, { recursive: true });
  await writeFile(join(where, name), `#!/bin/sh\n${says}\n`, { mode: 0o755 });
}

async function cachedEngine(): Promise<void> {
  await program("pulumi", "exit 1", engineFolder(env()));
  await writeFile(join(engineFolder(env()), "origin.json"), '{"from":"vendor\'s installer"}');
}

const find = () => findEngine(env(), (line) => said.push(line));
const inCache = () => ({
  folder: engineFolder(env()),
  version: engineVersion,
  from: "vendor's installer",
  cached: true,
});

test("an engine on PATH that is new enough comes first", async () => {
  await cachedEngine();
  await program("pulumi", "echo v3.300.1");
  await program("pulumi-language-nodejs", "");
  expect(await find()).toEqual({ folder: join(folder, "bin"), version: "3.300.1", from: "PATH", cached: true });
  expect(said).toEqual([]);
});

test.each([
  { name: "too old", says: "echo v3.100.0", host: true, why: `it is 3.100.0, and ${oldestEngine} or newer is needed` },
  { name: "broken", says: "exit 1", host: true, why: "it does not say its version" },
  {
    name: "without Node's language host",
    says: "echo v3.300.0",
    host: false,
    why: "it comes without pulumi-language-nodejs",
  },
])("one that is $name is passed over, and said so", async ({ says, host, why }) => {
  await cachedEngine();
  await program("pulumi", says);
  if (host) await program("pulumi-language-nodejs", "");
  expect(await find()).toEqual(inCache());
  expect(said).toEqual([`${join(folder, "bin", "pulumi")} is not used: ${why}`]);
});

test("the cache on PATH is still the cache", async () => {
  await cachedEngine();
  const own = { ...env(), PATH: engineFolder(env()) };
  expect(await findEngine(own, (line) => said.push(line))).toEqual(inCache());
  expect(said).toEqual([]);
});

test("an engine in the cache that is not complete does not count", async () => {
  await program("pulumi", "exit 1", engineFolder(env()));
  expect(await find()).toBeUndefined();
});

test("without PATH, cache, the vendor's site and a Go that builds, there is one clear sentence", async () => {
  await program("curl", "echo 'curl: (6) no such host' >&2; exit 6");
  await program("go", "printf 'go1.19.8\\n\\n'");
  const reporter = new Reporter({ write: (line) => said.push(line) });
  await expect(ensureEngine({ env: env(), reporter })).rejects.toThrow(
    [
      "the Pulumi engine could not be installed",
      `  there is no pulumi ${oldestEngine} or newer on PATH, Pulumi's site cannot be used, and the Go on this machine is 1.19.8, and 1.25.11 or newer is needed`,
      "  install Pulumi or Go by hand, or open the way to get.pulumi.com, then run the same command again",
    ].join("\n"),
  );
  expect(said).toEqual(["Pulumi's site cannot be used: curl: (6) no such host (exit 6)\n"]);
});
