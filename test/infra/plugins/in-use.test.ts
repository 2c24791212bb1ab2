import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  actionsFolder,
  actionsPlugin,
  actionsVersion,
  pulumiHome,
  standInMarker,
} from "../../../infra/plugins/in-use.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "onprem-home-"));
});
afterEach(() => rm(home, { recursive: true }));

const program = () => join(actionsFolder(home), "pulumi-resource-command");

test.each([
  { name: "nothing", files: () => [], plugin: "missing" },
  { name: "a program", files: () => [program()], plugin: "official" },
  {
    name: "a program and the marker",
    files: () => [program(), join(actionsFolder(home), standInMarker)],
    plugin: "stand-in",
  },
  {
    name: "a download that did not end",
    files: () => [program(), `${actionsFolder(home)}.partial`],
    plugin: "missing",
  },
])("$name: $plugin", async ({ files, plugin }) => {
  await mkdir(actionsFolder(home), { recursive: true });
  for (const file of files()) await writeFile(file, "", { mode: 0o755 });
  expect(actionsPlugin(home)).toBe(plugin);
});

test("a program that may not be run does not count", async () => {
  await mkdir(actionsFolder(home), { recursive: true });
  await writeFile(program(), "", { mode: 0o644 });
  expect(actionsPlugin(home)).toBe("missing");
});

test("the version is that of the package", () => {
  const { version } = createRequire(import.meta.url)("@pulumi/command/package.json") as { version: string };
  expect(version).toBe(actionsVersion);
});

test.each([
  { env: { PULUMI_HOME: "/elsewhere", HOME: "/root" }, folder: "/elsewhere" },
  { env: { HOME: "/root" }, folder: "/root/.pulumi" },
])("Pulumi's folder with $env", ({ env, folder }) => {
  expect(pulumiHome(env)).toBe(folder);
});
