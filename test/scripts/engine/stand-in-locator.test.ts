import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { finish } from "../../../scripts/command.ts";

const locator = join(import.meta.dirname, "../../../scripts/engine/stand-in-locator.sh");

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "onprem locator-")));
});
afterEach(() => rm(folder, { recursive: true }));

test("the stand-in of the project around the working directory takes over, with the arguments as they are", async () => {
  const plugin = join(folder, "infra", "plugins", "command");
  await mkdir(plugin, { recursive: true });
  await writeFile(join(plugin, "pulumi-resource-command"), '#!/bin/sh\nprintf "%s|" "$0" "$@"\n', { mode: 0o755 });
  const { code, stdout } = await finish(["sh", locator, "127.0.0.1:1", "two words"], { cwd: join(folder, "infra") });
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: `${join(plugin, "pulumi-resource-command")}|127.0.0.1:1|two words|\n`,
  });
});

test("outside a project there is one clear answer", async () => {
  const { code, stderr } = await finish(["sh", locator], { cwd: folder });
  expect({ code, first: stderr.split("\n")[0] }).toEqual({
    code: 1,
    first: `the plugin of @pulumi/command on this machine is the stand-in of os2mo-on-prem, and ${folder} is not in that project`,
  });
});
