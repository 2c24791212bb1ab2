import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type AptAccess, readAptAccess, readMirrors } from "./apt-sources.ts";
import { run } from "./command.ts";
import { LabError } from "./lab-error.ts";
import { withLock } from "./lock.ts";
import { labFolder } from "./places.ts";
import { longStep } from "./progress.ts";
import {
  baseRecipe,
  bootstrapWords,
  cacheName,
  installWords,
  layersOf,
  loginUser,
  machineAuthorities,
  type Recipe,
} from "./recipe.ts";
import type { Progress } from "./status.ts";

/** Seconds on two cores with a fast archive, measured; only for what is shown while building. */
const usualSeconds: Record<Recipe["name"], number> = { rootfs: 20, vendor: 5, machine: 20 };

/** The recipe of the bare server on this machine, from the machine's own package sources. */
export async function readBaseRecipe(): Promise<Recipe> {
  return baseRecipe(await readMirrors(), await readAptAccess());
}

/** Folder of a built layer. */
export const layerFolder = (recipe: Recipe) => join(labFolder(), cacheName(recipe));

/** `lowerdir=` of an overlay: the layers of a recipe from the topmost down (kernel documentation, overlayfs). */
export const lowerFolders = (recipe: Recipe) => layersOf(recipe).reverse().map(layerFolder).join(":");

/**
 * Build what is missing of the given recipes. A layer is built beside its place and renamed into it, under a lock: an interrupted
 * build leaves nothing that counts, and what it left is removed by the next.
 */
export async function ensureBuilt(recipes: readonly Recipe[], progress: Progress, signal?: AbortSignal): Promise<void> {
  const layers = [...new Map(recipes.flatMap(layersOf).map((recipe) => [cacheName(recipe), recipe])).values()];
  if (missing(layers).length === 0) return;
  await withLock(join(labFolder(), "build.lock"), progress, async () => {
    const todo = missing(layers);
    const access = await readAptAccess();
    await removeLeftovers();
    for (const [index, recipe] of todo.entries()) {
      const place = { step: index + 1, of: todo.length, usualSeconds: usualSeconds[recipe.name] };
      await longStep(progress, `building the ${recipe.name} file system`, place, () => build(recipe, access, signal));
    }
  });
}

function missing(layers: readonly Recipe[]): Recipe[] {
  return layers.filter((recipe) => !existsSync(layerFolder(recipe)));
}

async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(labFolder())) {
    if (!name.startsWith(".building-")) continue;
    const folder = join(labFolder(), name);
    await run(["umount", "--recursive", "--lazy", "--quiet", join(folder, "root")]).catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  }
}

async function build(recipe: Recipe, access: AptAccess, signal: AbortSignal | undefined): Promise<void> {
  const temporary = join(labFolder(), `.building-${cacheName(recipe)}`);
  try {
    await mkdir(temporary);
    if (recipe.on) await installLayer(recipe, recipe.on, temporary, access, signal);
    else await bootstrap(recipe, temporary, access, signal);
    await rename(join(temporary, "layer"), layerFolder(recipe));
  } catch (cause) {
    if (!signal?.aborted) throw cause;
    throw new LabError(
      `building the ${recipe.name} file system was interrupted`,
      "nothing of it was kept",
      undefined,
      cause,
    );
  } finally {
    await removeLeftovers();
  }
}

async function bootstrap(
  recipe: Recipe,
  temporary: string,
  access: AptAccess,
  signal: AbortSignal | undefined,
): Promise<void> {
  const layer = join(temporary, "layer");
  await run(bootstrapWords(recipe, access, layer), { ...(signal && { signal }) });
  await run(["chroot", layer, "useradd", "--create-home", "--shell", "/bin/bash", "--password", "*", loginUser]);
  for (const key of await readdir(join(layer, "etc/ssh"))) {
    if (key.startsWith("ssh_host_")) await rm(join(layer, "etc/ssh", key));
  }
  await run(["ln", "-sfn", "/usr/share/zoneinfo/Etc/UTC", join(layer, "etc/localtime")]);
  await enable(layer, "systemd-networkd.service");
  await writeFiles(layer, recipe.files);
}

async function installLayer(
  recipe: Recipe,
  on: Recipe,
  temporary: string,
  access: AptAccess,
  signal: AbortSignal | undefined,
): Promise<void> {
  const [layer, work, root] = [join(temporary, "layer"), join(temporary, "work"), join(temporary, "root")];
  for (const folder of [layer, work, root]) await mkdir(folder);
  await mountOverlay(lowerFolders(on), layer, work, root);
  try {
    const env = { DEBIAN_FRONTEND: "noninteractive", PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...proxyVariables(access) };
    const policy = join(root, "usr/sbin/policy-rc.d");
    await writeFile(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 }); // start nothing while installing
    await copyFile("/etc/resolv.conf", join(root, "etc/resolv.conf"));
    await copyFile("/etc/ssl/certs/ca-certificates.crt", join(root, machineAuthorities)).catch(() => undefined); // HTTP needs none
    await run(installWords(recipe, root, "update"), { env, ...(signal && { signal }) });
    await run(installWords(recipe, root, "install"), { env, ...(signal && { signal }) });
    await run(["chroot", root, "apt-get", "clean"]);
    await run([
      "rm",
      "-rf",
      policy,
      join(root, machineAuthorities),
      join(root, "var/lib/apt/lists"),
      join(root, "var/log/apt"),
    ]);
    await writeFiles(root, { "/etc/resolv.conf": { content: "", mode: 0o644 }, ...recipe.files });
  } finally {
    await run(["umount", root]);
  }
}

function proxyVariables({ proxy }: AptAccess): Record<string, string> {
  return proxy === undefined ? {} : { http_proxy: proxy };
}

/** Mount `lower` with `upper` on top at `root`. Fails where `upper` is itself on an overlay, as in a container. */
export async function mountOverlay(lower: string, upper: string, work: string, root: string): Promise<void> {
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  try {
    await run(["mount", "-t", "overlay", "overlay", "-o", options, root]);
  } catch (cause) {
    throw new LabError(
      `the file system of a machine could not be mounted at ${root}`,
      cause instanceof Error ? cause.message : undefined,
      "the cache must be on a real disk, not on an overlay: set ONPREM_CACHE to a folder on one",
      cause,
    );
  }
}

/** Enable a unit of multi-user.target without running systemctl inside. */
async function enable(root: string, unit: string): Promise<void> {
  const folder = join(root, "etc/systemd/system/multi-user.target.wants");
  await mkdir(folder, { recursive: true });
  await run(["ln", "-sfn", `/lib/systemd/system/${unit}`, join(folder, unit)]);
}

/** Write files below `root`, root's, with their modes. */
export async function writeFiles(root: string, files: Recipe["files"]): Promise<void> {
  for (const [path, { content, mode }] of Object.entries(files)) {
    const target = join(root, path);
    await mkdir(dirname(target), { recursive: true });
    await rm(target, { force: true }); // never through a link that a package left there
    await writeFile(target, content, { mode });
    await run(["chmod", mode.toString(8), target]); // the mode above is cut by the umask
  }
}
