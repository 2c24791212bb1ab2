import { join } from "node:path";
import { compileCacheFolder } from "../../infra/compile-cache.mjs";
import type { Engine } from "./engine.ts";
import { prependPath } from "./search-path.ts";

/** The project's folder. */
export const projectFolder = join(import.meta.dirname, "..", "..");

/**
 * Resources that the engine works on at a time. By itself it takes four for each core; but a server's resources are looked
 * at together, in one round trip for as many as are asked for, and its steps run one by one all the same.
 */
const parallel = "64";

/**
 * The environment in which the engine runs: our Node first, for its language host runs the program with the `node` of PATH;
 * and compiled code is kept, the SDK's too, which is loaded before any line of ours.
 */
export function engineEnvironment(engine: Engine, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const binaries = join(projectFolder, "node_modules", ".bin");
  const compiled = compileCacheFolder(env);
  return {
    PULUMI_PARALLEL: parallel,
    ...env,
    PATH: prependPath([binaries, engine.folder], env.PATH),
    PULUMI_SKIP_UPDATE_CHECK: "1",
    ...(compiled === undefined ? {} : { NODE_COMPILE_CACHE: compiled }),
  };
}

/** Lines for a POSIX shell that make `pulumi` callable by its name there; they leave other programs of that shell alone. */
export function shellLines(environment: NodeJS.ProcessEnv): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  return ["PATH", "PULUMI_SKIP_UPDATE_CHECK", "PULUMI_PARALLEL"]
    .map((name) => `export ${name}=${quoted(environment[name] ?? "")}\n`)
    .join("");
}
