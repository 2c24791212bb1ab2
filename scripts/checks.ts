import { join } from "node:path";
import type { Words } from "./command.ts";
import { projectFolder } from "./engine/environment.ts";

const binaries = join(projectFolder, "node_modules", ".bin");

/** The strict type check of everything; Node itself only strips types. */
export const typeCheckWords: Words = [join(binaries, "tsc"), "-p", "."];

/** Lint and format of everything, as a check or, with `fix`, as a change. Warnings fail it too. */
export function biomeWords(fix = false): Words {
  return [join(binaries, "biome"), "check", "--error-on-warnings", ...(fix ? ["--write"] : []), "."];
}
