import { join } from "node:path";
import type { Engine } from "./engine.ts";
import { prependPath } from "./search-path.ts";

/** The project's folder. */
export const projectFolder = join(import.meta.dirname, "..", "..");

/** The environment in which the engine runs: our Node first, for its language host runs the program with the `node` of PATH. */
export function engineEnvironment(engine: Engine, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const binaries = join(projectFolder, "node_modules", ".bin");
  return { ...env, PATH: prependPath([binaries, engine.folder], env.PATH), PULUMI_SKIP_UPDATE_CHECK: "1" };
}

/** Lines for a POSIX shell that make `pulumi` callable by its name there. */
export function shellLines(environment: NodeJS.ProcessEnv): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  return ["PATH", "PULUMI_SKIP_UPDATE_CHECK"]
    .map((name) => `export ${name}=${quoted(environment[name] ?? "")}\n`)
    .join("");
}
