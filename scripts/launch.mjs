#!/usr/bin/env node
// Runs scripts/NAME.ts with Node 24 on any Node >= 20: `node scripts/launch.mjs NAME [arguments]`. It is plain JavaScript without
// dependencies, for it runs before there are any; what it needs of Node is old enough to say clearly when Node is too old.
import { existsSync, readdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { installDependencies } from "./launch/dependencies.mjs";
import { LaunchError } from "./launch/launch-error.mjs";
import { runToEnd } from "./launch/run-to-end.mjs";
import { findNode, refuseOldNode, refusePlatform } from "./launch/runtime.mjs";

const project = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  const [name, ...args] = process.argv.slice(2);
  const script = findScript(name);
  refuseOldNode(process.versions.node);
  refusePlatform(process.platform);
  await installDependencies(project, (line) => process.stderr.write(`${line}\n`));
  const binaries = join(project, "node_modules", ".bin");
  const node = findNode(binaries, process);
  process.exitCode = await runToEnd([node, script, ...args], {
    ...process.env,
    PATH: [binaries, process.env.PATH].filter(Boolean).join(delimiter),
  });
} catch (error) {
  if (!(error instanceof LaunchError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}

/** @param {string | undefined} name */
function findScript(name) {
  const folder = join(project, "scripts");
  const names = readdirSync(folder)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => file.slice(0, -3));
  if (name !== undefined && names.includes(name) && existsSync(join(folder, `${name}.ts`))) {
    return join(folder, `${name}.ts`);
  }
  throw new LaunchError(
    name === undefined ? "launch.mjs needs the name of a script" : `there is no script "${name}"`,
    `scripts/ has: ${names.join(", ")}`,
    "run `npm run` to see what each is called by",
  );
}
