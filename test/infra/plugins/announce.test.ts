import { expect, test } from "vitest";
import { describeActionsPlugin } from "../../../infra/plugins/announce.ts";

test.each([
  ["official", "Actions run with the official plugin of @pulumi/command 1.2.1."],
  [
    "stand-in",
    "Actions run with this project's stand-in for the plugin of @pulumi/command 1.2.1, which could not be downloaded when this machine was set up.",
  ],
  [
    "missing",
    "The plugin of @pulumi/command 1.2.1 is not installed yet; the engine will try to download it. `npm run setup` installs it, or the stand-in.",
  ],
] as const)("%s", (plugin, said) => {
  expect(describeActionsPlugin(plugin)).toBe(said);
});
