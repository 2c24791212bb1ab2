import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Absolute path of the first executable file called `name` in the folders of `path`, a value of PATH; `undefined` if there is none. */
export function findExecutable(name: string, path: string | undefined): string | undefined {
  return (path ?? "")
    .split(delimiter)
    .filter((folder) => folder.startsWith("/"))
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** Whether this is a file that we may run. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** `folders` before the folders of `path`, each once. */
export function prependPath(folders: readonly string[], path: string | undefined): string {
  const old = (path ?? "").split(delimiter).filter((folder) => folder !== "" && !folders.includes(folder));
  return [...new Set([...folders, ...old])].join(delimiter);
}

/** Whether `file`, links followed, lies below `folder`. */
export function isBelow(file: string, folder: string): boolean {
  try {
    return realpathSync(file).startsWith(`${realpathSync(folder)}/`);
  } catch {
    return false; // one of the two does not exist
  }
}
