import { chmod, copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ActionsPlugin,
  actionsPlugin,
  actionsVersion,
  pulumiHome,
  standInMarker,
} from "../../infra/plugins/in-use.ts";
import { finish, lastWords } from "../command.ts";
import { ScriptError } from "../script-error.ts";
import { type Getting, vendorProblem } from "./vendor-installer.ts";

const install = ["pulumi", "plugin", "install", "resource", "command", actionsVersion] as const;

/**
 * See to it that the engine has a plugin for `@pulumi/command`: the official one where it can be downloaded, else the project's stand-in.
 * A stand-in is replaced as soon as the official one can be had. `getting.env` is the engine's environment.
 */
export async function ensureActionsPlugin(getting: Getting): Promise<ActionsPlugin> {
  const home = pulumiHome(getting.env);
  const there = actionsPlugin(home);
  if (there === "official") return there;
  const problem = (await vendorProblem(getting)) ?? (await download(getting, there));
  if (problem === undefined && actionsPlugin(home) === "official") return "official";
  if (there === "stand-in") return there;
  getting.reporter.line(
    `the plugin of @pulumi/command cannot be downloaded (${problem}): the project's own stand-in is used`,
  );
  await installStandIn(getting);
  return "stand-in";
}

async function download(getting: Getting, there: ActionsPlugin): Promise<string | undefined> {
  getting.reporter.passing(`downloading the plugin of @pulumi/command ${actionsVersion}`);
  const words = there === "stand-in" ? ([...install, "--reinstall"] as const) : install;
  const ran = await finish(words, { env: getting.env, timeout: 120, signal: getting.signal });
  getting.reporter.clear();
  if (ran.code === 0) return undefined;
  if (there === "stand-in" && actionsPlugin(pulumiHome(getting.env)) === "missing") await installStandIn(getting);
  return lastWords(ran, 1);
}

/** The engine installs an archive as if downloaded; what is in ours only finds the stand-in of the project in whose folder it is started. */
async function installStandIn(getting: Getting): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "onprem-plugin-"));
  try {
    const program = join(folder, "pulumi-resource-command");
    await copyFile(join(import.meta.dirname, "stand-in-locator.sh"), program);
    await chmod(program, 0o755);
    await writeFile(join(folder, standInMarker), "os2mo-on-prem's own stand-in for the plugin of @pulumi/command\n");
    const archive = join(folder, "plugin.tar.gz");
    const packed = await finish(["tar", "-czf", archive, "-C", folder, "pulumi-resource-command", standInMarker]);
    const ran =
      packed.code === 0 ? await finish([...install, "--file", archive, "--reinstall"], { env: getting.env }) : packed;
    if (ran.code !== 0)
      throw new ScriptError("the stand-in for @pulumi/command could not be installed", lastWords(ran));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
