import { createHash } from "node:crypto";
import { run, type Step } from "../step.ts";

/** Where a host keeps what stood at paths that we took over. */
export const keptFolder = "/var/lib/onprem/kept";

/** Where a host keeps what an adopted path held; the name is a hash, for paths are longer than names may be. */
export function keptAt(path: string): string {
  return `${keptFolder}/${createHash("sha256").update(path).digest("hex")}`;
}

/** Steps that copy what stands at a path aside, before it is taken over. */
export function keep(path: string, property?: string): Step[] {
  const more = property === undefined ? {} : { property };
  return [
    run("make the folder for adopted files", ["install", "-d", "-m", "0700", "--", keptFolder], more),
    run(`keep what stands at ${path}`, ["cp", "-aT", "--", path, keptAt(path)], more),
  ];
}

/** The step that moves what was kept back to its path. */
export function putBack(path: string, property?: string): Step {
  const more = property === undefined ? {} : { property };
  return run(`put back what stood at ${path}`, ["mv", "-fT", "--", keptAt(path), path], more);
}
