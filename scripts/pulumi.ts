import { join } from "node:path";
import { actionsPlugin, pulumiHome } from "../infra/plugins/in-use.ts";
import { ensureActionsPlugin } from "./engine/actions-plugin.ts";
import { ensureEngine } from "./engine/engine.ts";
import { engineEnvironment } from "./engine/environment.ts";
import { wordsFor } from "./engine/import-words.ts";
import { runMain } from "./main.ts";

// `npm run pulumi -- up -s prod`: the engine, with all that it needs, in place of this process.
await runMain(undefined, async ({ args, env, reporter, signal }) => {
  const engine = await ensureEngine({ env, reporter, signal });
  const environment = engineEnvironment(engine, env);
  if (actionsPlugin(pulumiHome(env)) === "missing") await ensureActionsPlugin({ env: environment, reporter, signal });
  const program = join(engine.folder, "pulumi");
  const words = wordsFor(engine, args);
  if (words !== args)
    reporter.line("this engine cannot write programs, so the import is called with --generate-code=false");
  if (process.execve === undefined) throw new Error("this Node has no process.execve");
  return process.execve(program, [program, ...words], environment as Record<string, string>);
});
