import { parseArgs } from "node:util";
import { actionsVersion, pulumiHome } from "../infra/plugins/in-use.ts";
import { ensureActionsPlugin } from "./engine/actions-plugin.ts";
import { describeSetup } from "./engine/description.ts";
import { ensureEngine } from "./engine/engine.ts";
import { engineEnvironment } from "./engine/environment.ts";
import { runMain } from "./main.ts";

const usage = `Usage: npm run setup

Gets everything that \`pulumi up\` needs on this machine: Pulumi's engine and the plugins. What is there already is kept.
`;

// The dependencies are there already, launch.mjs saw to that.
await runMain(usage, async ({ args, env, reporter, signal }) => {
  parseArgs({ args: [...args], options: {} });
  const engine = await ensureEngine({ env, reporter, signal });
  const environment = engineEnvironment(engine, env);
  const plugin = await ensureActionsPlugin({ env: environment, reporter, signal });
  const node = { path: process.execPath, version: process.versions.node };
  process.stdout.write(
    describeSetup({ engine, node, plugin, pluginVersion: actionsVersion, pulumiHome: pulumiHome(env) }),
  );
  return 0;
});
