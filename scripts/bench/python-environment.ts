import { createHash } from "node:crypto";
import { rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../../lab/places.ts";
import { finish, lastWords } from "../command.ts";
import { describeSeconds } from "../reporter.ts";
import { ScriptError } from "../script-error.ts";
import type { Bench } from "./peer.ts";
import { oldestPython, pythonPackages } from "./python-packages.ts";

export type EnvironmentName = keyof typeof pythonPackages;

/** Seconds that an installation may take; the largest took 70 s. */
const patience = 600;

/** Folder of a Python environment of the benchmark's own, installed on first use. Throws {@link ScriptError} when it cannot be. */
export async function pythonEnvironment(bench: Bench, name: EnvironmentName): Promise<string> {
  const packages: readonly string[] = pythonPackages[name];
  const hash = createHash("sha256").update(packages.join("\n")).digest("hex").slice(0, 8);
  const folder = join(cacheFolder(bench.env), "bench", `${name}-${hash}`);
  const complete = join(folder, "complete");
  if (await stat(complete).catch(() => undefined)) return folder;
  const python = await findPython(bench);
  bench.reporter.line(`installing ${packages.join(", ")} from PyPI, once for this machine (a minute or two)`);
  const began = Date.now();
  await rm(folder, { recursive: true, force: true });
  const pip = [join(folder, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", ...packages] as const;
  for (const words of [[python, "-m", "venv", folder] as const, pip]) {
    const ran = await finish(words, { env: bench.env, timeout: patience, signal: bench.signal });
    if (ran.code !== 0) throw new ScriptError(`${packages.join(", ")} could not be installed`, lastWords(ran));
  }
  await writeFile(complete, "");
  bench.reporter.line(`${packages[0]} is there after ${describeSeconds((Date.now() - began) / 1000)}`);
  return folder;
}

async function findPython(bench: Bench): Promise<string> {
  const [major, minor] = oldestPython;
  // The system's own first: it is the one whose minor version the hosts of this distribution have.
  for (const python of ["/usr/bin/python3", "python3"]) {
    const ask = `import sys, venv, ensurepip; sys.exit(sys.version_info < (${major}, ${minor}))`;
    const ran = await finish([python, "-c", ask], { env: bench.env }).catch(() => undefined);
    if (ran?.code === 0) return python;
  }
  throw new ScriptError(
    `there is no Python ${major}.${minor} or newer with venv`,
    "/usr/bin/python3 and python3 were tried",
    "apt-get install python3-venv",
  );
}
