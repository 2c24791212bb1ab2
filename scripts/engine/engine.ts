import { dirname, join } from "node:path";
import { cacheFolder } from "../../lab/places.ts";
import { finish } from "../command.ts";
import { describeSeconds } from "../reporter.ts";
import { ScriptError } from "../script-error.ts";
import { buildEngine } from "./build.ts";
import { checkGo, findGo } from "./go.ts";
import { findExecutable, isBelow, isExecutable } from "./search-path.ts";
import { installTool, type Origin, readOrigin } from "./tool-folder.ts";
import { type Getting, installFromVendor, vendorProblem } from "./vendor-installer.ts";
import { compareVersions, engineVersion, findVersion, oldestEngine } from "./versions.ts";

/** A Pulumi engine that can be used. */
export interface Engine {
  /** Folder with `pulumi`, and with `pulumi-language-nodejs` unless PATH has that elsewhere. */
  readonly folder: string;
  /** For example `3.259.0`. */
  readonly version: string;
  readonly from: "PATH" | Origin;
  /** It was there before this run. */
  readonly cached: boolean;
}

const languageHost = "pulumi-language-nodejs";

/** Folder of the engine in the tools cache. */
export function engineFolder(env: NodeJS.ProcessEnv): string {
  return join(cacheFolder(env), "tools", `pulumi-${engineVersion}`);
}

/** The engine that is there already: on PATH if new enough, else in the cache. Installs nothing. `say` gets why one on PATH is not used. */
export async function findEngine(env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<Engine | undefined> {
  const folder = engineFolder(env);
  const onPath = findExecutable("pulumi", env.PATH);
  if (onPath !== undefined && !isBelow(onPath, cacheFolder(env))) {
    const version = findVersion(
      (await finish([onPath, "version"], { env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "1" } })).stdout,
    );
    const problem = problemWith(version, findLanguageHost(onPath, env.PATH));
    if (problem === undefined && version !== undefined)
      return { folder: dirname(onPath), version, from: "PATH", cached: true };
    say(`${onPath} is not used: ${problem}`);
  }
  const from = await readOrigin(folder);
  if (from === undefined || !isExecutable(join(folder, "pulumi"))) return undefined;
  return { folder, version: engineVersion, from, cached: true };
}

/** The engine, got by the first way that works: PATH, the cache, the vendor's installer, a build from pinned Go modules. */
export async function ensureEngine(getting: Getting): Promise<Engine> {
  const say = (line: string) => getting.reporter.line(line);
  const there = await findEngine(getting.env, say);
  if (there !== undefined) return there;
  const folder = engineFolder(getting.env);
  const started = Date.now();
  const from = await installTool(folder, (draft) => fill(draft, getting), {
    onWait: (holder) => say(`waiting for process ${holder}, which installs the Pulumi engine for this machine`),
    ...(getting.signal && { signal: getting.signal }),
  });
  say(`Pulumi ${engineVersion} is ready after ${describeSeconds((Date.now() - started) / 1000)}`);
  return { folder, version: engineVersion, from, cached: false };
}

async function fill(draft: string, getting: Getting): Promise<Origin> {
  const say = (line: string) => getting.reporter.line(line);
  let problem = await vendorProblem(getting);
  if (problem === undefined) {
    say(`installing Pulumi ${engineVersion} with its vendor's installer (about 250 MB)`);
    problem = await installFromVendor(draft, getting);
    getting.reporter.clear();
    if (problem === undefined) return "vendor's installer";
  }
  say(`Pulumi's site cannot be used: ${problem}`);
  const program = findGo(getting.env);
  const go =
    program === undefined ? "there is no Go on this machine" : await checkGo(program, getting.env, getting.signal);
  if (typeof go === "string") {
    throw new ScriptError(
      "the Pulumi engine could not be installed",
      `there is no pulumi ${oldestEngine} or newer on PATH, Pulumi's site cannot be used, and ${go}`,
      "install Pulumi or Go by hand, or open the way to get.pulumi.com, then run the same command again",
    );
  }
  say(
    `building Pulumi ${engineVersion} from pinned Go modules with ${go.version}: about 9 minutes on two cores and 5 GB in Go's caches, once for this machine`,
  );
  await buildEngine(draft, go, getting);
  return "built from pinned Go modules";
}

function findLanguageHost(pulumi: string, path: string | undefined): string | undefined {
  const beside = join(dirname(pulumi), languageHost);
  return isExecutable(beside) ? beside : findExecutable(languageHost, path);
}

/** Why a pulumi on PATH cannot be used. */
export function problemWith(version: string | undefined, host: string | undefined): string | undefined {
  if (version === undefined) return "it does not say its version";
  if (compareVersions(version, oldestEngine) < 0) return `it is ${version}, and ${oldestEngine} or newer is needed`;
  if (host === undefined) return `it comes without ${languageHost}`;
  return undefined;
}
