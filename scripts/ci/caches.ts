import { existsSync } from "node:fs";
import { pebbleFolder } from "../../lab/pebble-programs.ts";
import { vendorRecipe } from "../../lab/recipe.ts";
import { layerFolder, readBaseRecipe } from "../../lab/rootfs.ts";
import { saltFolder } from "../../lab/salt-packages.ts";
import { findEngine } from "../engine/engine.ts";

/** Something that takes minutes to make and is kept between runs. */
export interface Cached {
  readonly what: string;
  readonly cached: boolean;
}

/** What of the engine and of the lab's file systems is there already. */
export async function readCaches(env: NodeJS.ProcessEnv): Promise<Cached[]> {
  const base = await readBaseRecipe();
  return [
    { what: "Pulumi engine", cached: (await findEngine(env, () => undefined)) !== undefined },
    { what: "root file system of the servers", cached: existsSync(layerFolder(base)) },
    { what: "root file system of the vendor's host", cached: existsSync(layerFolder(vendorRecipe(base))) },
    { what: "Salt's packages", cached: existsSync(saltFolder()) },
    { what: "Pebble", cached: existsSync(pebbleFolder()) },
  ];
}

/** One line for each: where it comes from in this run. */
export function describeCaches(caches: readonly Cached[]): string {
  return caches.map(({ what, cached }) => `${what}: ${cached ? "from cache" : "built by this run"}\n`).join("");
}
