import { join } from "node:path";
import { actionsPlugin, pulumiHome } from "../infra/plugins/in-use.ts";
import { ensureActionsPlugin } from "./engine/actions-plugin.ts";
import { ensureEngine } from "./engine/engine.ts";
import { engineEnvironment } from "./engine/environment.ts";
import { runMain } from "./main.ts";

// `npm run pulumi -- up -s prod`: the engine, with all that it needs, in place of this process.
await runMain(undefined, async ({ args, env, reporter, signal }) => {
  const engine = await ensureEngine({ env, reporter, signal });
  const environment = engineEnvironment(engine, env);
  if (actionsPlugin(pulumiHome(env)) === "missing") await ensureActionsPlugin({ env: environment, reporter, signal });
  const program = join(engine.folder, "pulumi");
  if (process.execve === undefined) throw new Error("this Node has no process.execve");
  return process.execve(program, [program, ...args], environment as Record<string, string>);
});
