import { ensureEngine } from "./engine/engine.ts";
import { engineEnvironment, shellLines } from "./engine/environment.ts";
import { runMain } from "./main.ts";

// `eval "$(npm run --silent env)"`: makes `pulumi` callable by its name in the shell that says it.
await runMain(async ({ env, reporter, signal }) => {
  process.stdout.write(shellLines(engineEnvironment(await ensureEngine({ env, reporter, signal }), env)));
  return 0;
});
