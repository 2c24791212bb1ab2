import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { finish, lastWords } from "../command.ts";
import { projectFolder } from "../engine/environment.ts";
import { ScriptError } from "../script-error.ts";
import { parseYaml } from "../yaml.ts";
import { ended, notBegun, readEvent, type UpdateState } from "./engine-events.ts";
import type { Pace } from "./update-progress.ts";

/** The project as the engine knows it, for what needs no program: `stack init` writes its salt beside this file. */
const projectFile = "name: os2mo-on-prem\nruntime: nodejs\n";

/** What an update of an empty server takes where no earlier one tells: measured on two cores, three servers side by side. */
const usualPace: Pace = { resources: 22, changes: 22, seconds: 35, of: "usual" };

/** The stacks of one lab: their state is a folder of the lab's own, so it goes when the lab's disks go. */
export interface LabStacks {
  /** Folder of everything below. */
  readonly folder: string;
  /** The environment in which the engine is called. */
  readonly env: NodeJS.ProcessEnv;
}

/** Make the folder of a lab's stacks ready: a random passphrase that only its owner can read, and a state that is a folder. */
export async function openLabStacks(folder: string, env: NodeJS.ProcessEnv): Promise<LabStacks> {
  await mkdir(join(folder, "state"), { recursive: true, mode: 0o700 });
  await mkdir(join(folder, "project"), { recursive: true });
  await writeFile(join(folder, "project", "Pulumi.yaml"), projectFile);
  const passphrase = join(folder, "passphrase");
  await writeFile(passphrase, randomBytes(32).toString("base64"), { mode: 0o600, flag: "wx" }).catch((error) => {
    if (error.code !== "EEXIST") throw error;
  });
  // What the caller's shell says about back ends and passphrases is about other stacks.
  const { PULUMI_CONFIG_PASSPHRASE: _, PULUMI_STACK: __, ...rest } = env;
  return {
    folder,
    env: { ...rest, PULUMI_BACKEND_URL: `file://${join(folder, "state")}`, PULUMI_CONFIG_PASSPHRASE_FILE: passphrase },
  };
}

/** Make the stacks that are not there yet. */
export async function initStacks(stacks: LabStacks, names: readonly string[], signal: AbortSignal): Promise<void> {
  const call = async (...words: string[]) => {
    const ran = await finish(["pulumi", "--non-interactive", "-C", join(stacks.folder, "project"), "stack", ...words], {
      env: stacks.env,
      signal,
    });
    if (ran.code === 0) return ran.stdout;
    throw new ScriptError("the lab's stacks could not be made", `pulumi stack ${words[0]}: ${lastWords(ran)}`);
  };
  const there = (JSON.parse(await call("ls", "--json")) as { name: string }[]).map(({ name }) => name);
  for (const name of names.filter((name) => !there.includes(name))) await call("init", name, "--no-select");
}

/** Write a stack's configuration, if it has changed. It is JSON, which is YAML too; the salt that the engine adds stays. */
export async function writeConfiguration(
  stacks: LabStacks,
  name: string,
  config: Record<string, unknown>,
): Promise<void> {
  const file = configFile(stacks, name);
  const there = (await readFile(file, "utf8").then(parseYaml, () => undefined)) as { config?: unknown } | undefined;
  if (isDeepStrictEqual(there?.config, config)) return;
  await writeFile(file, `${JSON.stringify({ ...there, config }, null, 2)}\n`, { mode: 0o600 });
}

/** One `pulumi up`, to its end. `onState` is called whenever it has come further. A failed one has errors in its state. */
export async function update(
  stacks: LabStacks,
  name: string,
  signal: AbortSignal,
  onState: (state: UpdateState) => void,
): Promise<UpdateState> {
  let state = notBegun;
  const words = ["--stack", name, "--config-file", configFile(stacks, name), "--json", "--yes", "--skip-preview"];
  const ran = await finish(["pulumi", "up", "--non-interactive", "-C", projectFolder, ...words], {
    env: stacks.env,
    signal,
    onLine: (line, stream) => {
      if (stream !== "stdout") return;
      state = readEvent(state, line);
      onState(state);
    },
  });
  return ended(state, ran);
}

/** How the last update of a stack went, or what is usual. */
export async function readPace(stacks: LabStacks, name: string): Promise<Pace> {
  return readFile(paceFile(stacks, name), "utf8").then(
    (text) => JSON.parse(text) as Pace,
    () => usualPace,
  );
}

/** Keep how an update went, for the progress of the next. */
export async function writePace(stacks: LabStacks, name: string, pace: Pace): Promise<void> {
  await writeFile(paceFile(stacks, name), JSON.stringify(pace));
}

const configFile = (stacks: LabStacks, name: string) => join(stacks.folder, `Pulumi.${name}.yaml`);
const paceFile = (stacks: LabStacks, name: string) => join(stacks.folder, `pace-${name}.json`);
