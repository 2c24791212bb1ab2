import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { projectFolder } from "./engine/environment.ts";
import { UsageError } from "./script-error.ts";

/** The files of the stacks by name; of all stacks that have one, where none is named. */
export async function filesOf(named: readonly string[], configFile: string | undefined): Promise<Map<string, string>> {
  if (configFile !== undefined) {
    const [stack, ...more] = named;
    if (stack === undefined || more.length > 0) throw new UsageError("--config-file needs exactly one stack");
    return new Map([[stack, resolve(configFile)]]);
  }
  const pathOf = (stack: string) => join(projectFolder, `Pulumi.${stack}.yaml`);
  if (named.length > 0) return new Map(named.map((stack) => [stack, pathOf(stack.split("/").at(-1) ?? stack)]));
  const found = (await readdir(projectFolder)).flatMap((name) => /^Pulumi\.([^.]+)\.yaml$/.exec(name)?.[1] ?? []);
  // In the order in which the environments follow each other, then by name.
  const rank = (stack: string) => ["dev", "test", "prod"].indexOf(stack) + (/^(dev|test|prod)$/.test(stack) ? 0 : 4);
  return new Map(found.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1)).map((stack) => [stack, pathOf(stack)]));
}
