import { join } from "node:path";
import { actionsPlugin, actionsVersion, pulumiHome } from "../../../infra/plugins/in-use.ts";
import { ensureActionsPlugin } from "../../engine/actions-plugin.ts";
import type { Bench, Installed, Peer } from "../peer.ts";
import { programFor } from "./onprem.ts";
import { PulumiProject } from "./pulumi-project.ts";

const project = new PulumiProject(
  "pulumi-command",
  join(import.meta.dirname, "..", "command-project"),
  "bench-command",
);

/** `@pulumi/command` by its makers' own plugin. The project's stand-in for it is not measured: its speed is ours, not theirs. */
export const pulumiCommand: Peer = {
  name: "pulumi-command",
  title: "@pulumi/command",
  setup:
    "a `remote.Command` for each file, which writes it from its standard input; it has no way to look, so it sees no drift.",
  traces: [],
  state: project,
  install,
  prepare: (bench, work, variant) => project.up(bench, work, programFor(bench, work, variant, "files")),
};

async function install(bench: Bench): Promise<Installed> {
  const home = pulumiHome(bench.engineEnv);
  if (actionsPlugin(home) !== "official") {
    const plugin = await ensureActionsPlugin({ ...bench, env: bench.engineEnv });
    if (plugin !== "official") {
      return {
        missing: "its official plugin cannot be downloaded on this machine, and the project's stand-in is not it",
      };
    }
  }
  return { version: `@pulumi/command ${actionsVersion}` };
}
