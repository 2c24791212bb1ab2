import type { ActionsPlugin } from "./in-use.ts";
import { actionsVersion } from "./in-use.ts";

/** What is said at the start of a run about the plugin that carries out actions. */
export function describeActionsPlugin(plugin: ActionsPlugin): string {
  switch (plugin) {
    case "official":
      return `Actions run with the official plugin of @pulumi/command ${actionsVersion}.`;
    case "stand-in":
      return `Actions run with this project's stand-in for the plugin of @pulumi/command ${actionsVersion}, which could not be downloaded when this machine was set up.`;
    case "missing":
      return `The plugin of @pulumi/command ${actionsVersion} is not installed yet; the engine will try to download it. \`npm run setup\` installs it, or the stand-in.`;
  }
}
