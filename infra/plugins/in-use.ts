import { accessSync, constants, existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The version of `@pulumi/command`, and so of its plugin, that the program uses. */
export const actionsVersion = "1.2.1";

/** The file that marks the plugin as the project's own stand-in. */
export const standInMarker = "STAND-IN";

/** Which plugin serves `@pulumi/command`: its makers' own, the project's stand-in for it, or none yet. */
export type ActionsPlugin = "official" | "stand-in" | "missing";

/** Pulumi's own folder, where its plugins are: `$PULUMI_HOME`, else `~/.pulumi`. */
export function pulumiHome(env: NodeJS.ProcessEnv = process.env): string {
  return env.PULUMI_HOME || join(env.HOME || homedir(), ".pulumi");
}

/** Folder of the plugin of `@pulumi/command` below a Pulumi home. */
export function actionsFolder(home: string): string {
  return join(home, "plugins", `resource-command-v${actionsVersion}`);
}

/** Which plugin of `@pulumi/command` the engine will start from this Pulumi home. Looks at files only, so it costs nothing. */
export function actionsPlugin(home: string = pulumiHome()): ActionsPlugin {
  const folder = actionsFolder(home);
  try {
    accessSync(join(folder, "pulumi-resource-command"), constants.X_OK);
  } catch {
    return "missing";
  }
  if (existsSync(`${folder}.partial`)) return "missing"; // the engine's mark of a download that did not end
  return existsSync(join(folder, standInMarker)) ? "stand-in" : "official";
}
