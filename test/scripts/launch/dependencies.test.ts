import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { installDependencies, isComplete } from "../../../scripts/launch/dependencies.mjs";

let project: string;
let npm: string | undefined;
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), "onprem-install-"));
  await writeFile(join(project, "package-lock.json"), "{}");
  npm = process.env.npm_execpath;
});
afterEach(async () => {
  if (npm === undefined) delete process.env.npm_execpath;
  else process.env.npm_execpath = npm;
  await rm(project, { recursive: true });
});

/** An npm that notes each call and then does what `body` says. */
async function fakeNpm(body: string): Promise<() => Promise<string>> {
  const program = join(project, "npm.js");
  const log = join(project, "log");
  await writeFile(log, "");
  await writeFile(
    program,
    `const fs = require("fs"); fs.appendFileSync(${JSON.stringify(log)}, process.argv.slice(2).join(" ") + "\\n"); ${body}`,
  );
  process.env.npm_execpath = program;
  return () => readFile(log, "utf8");
}

const works = 'fs.mkdirSync("node_modules", { recursive: true })';

test("packages are installed once, and again when the lock file changes", async () => {
  const calls = await fakeNpm(works);
  const said: string[] = [];
  expect(await installDependencies(project, (line) => said.push(line))).toBe("installed");
  expect(await installDependencies(project, (line) => said.push(line))).toBe("there");
  expect(await calls()).toBe("ci --loglevel=error\n");
  expect(said).toEqual(["installing the packages of package-lock.json: 10 s to a minute", "packages installed in 0 s"]);
  await writeFile(join(project, "package-lock.json"), '{"changed": true}');
  expect(isComplete(project)).toBe(false);
  expect(await installDependencies(project, () => undefined)).toBe("installed");
});

test("an installation that was interrupted is done again", async () => {
  await fakeNpm(works);
  await installDependencies(project, () => undefined);
  await writeFile(join(project, "package-lock.json"), '{"changed": true}');
  await fakeNpm('process.kill(process.pid, "SIGKILL")');
  await expect(installDependencies(project, () => undefined)).rejects.toThrow("npm ci ended with SIGKILL");
  await writeFile(join(project, "package-lock.json"), "{}");
  expect(isComplete(project)).toBe(false);
});

test("packages that were put there by other means are not trusted", async () => {
  await mkdir(join(project, "node_modules"));
  expect(isComplete(project)).toBe(false);
});
