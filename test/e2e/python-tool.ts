import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../../lab/places.ts";
import { ensureRequirements, pythonNeeds } from "../../lab/requirements.ts";
import { finish } from "../../scripts/command.ts";

/** The path of a program from PyPI, with exactly these packages, versions by name, and kept in the cache. @param seconds For each step */
export async function pythonTool(
  name: string,
  packages: Readonly<Record<string, string>>,
  seconds: number,
): Promise<string> {
  const folder = join(cacheFolder(), "test", `${name}-${packages[name]}`);
  const found = join(folder, "bin", name);
  if (existsSync(found)) return found;
  await rm(folder, { recursive: true, force: true });
  await ensureRequirements(pythonNeeds, () => undefined);
  const pip = [join(folder, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "--no-deps"] as const;
  for (const words of [
    ["/usr/bin/python3", "-m", "venv", folder] as const,
    [...pip, ...Object.entries(packages).map(([one, version]) => `${one}==${version}`)] as const,
  ]) {
    const ran = await finish(words, { timeout: seconds });
    if (ran.code !== 0) throw new Error(`${name} could not be installed: ${ran.stderr}`);
  }
  return found;
}
