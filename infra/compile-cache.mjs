// Compiled code that Node keeps between runs (https://nodejs.org/api/module.html#module-compile-cache): without it each start of the
// program and of a plugin reads, strips and compiles every module anew. Plain JavaScript, for it is what the first modules load.
import { lstatSync, mkdirSync } from "node:fs";
// A namespace, for a Node that has no such cache would refuse the names.
import * as nodeModule from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * The folder: `$NODE_COMPILE_CACHE`, else `compiled` in the tools cache of this account. `undefined` where it would not be ours alone:
 * who can write there decides what we run.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined}
 */
export function compileCacheFolder(env = process.env) {
  if (env.NODE_COMPILE_CACHE) return env.NODE_COMPILE_CACHE;
  const caches = env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache");
  const folder = join(env.ONPREM_CACHE || join(caches, "onprem"), "compiled");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(folder);
    return uid === process.getuid?.() && (mode & 0o022) === 0 ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** Uses the cache for every module that is loaded from now on. Without a folder, or on a Node that knows no such cache, all works as before. */
export function useCompileCache() {
  const folder = compileCacheFolder();
  if (folder !== undefined) nodeModule.enableCompileCache?.(folder);
}

/** Node writes the cache when a process ends by itself; the engine kills its plugins. */
export function keepCompiled() {
  setTimeout(() => nodeModule.flushCompileCache?.(), 2_000).unref();
}
