import { parseArgs } from "node:util";
import { ensureEngine } from "./engine/engine.ts";
import { engineEnvironment, shellLines } from "./engine/environment.ts";
import { runMain } from "./main.ts";

const usage = `Usage: eval "$(npm run --silent env)"

Makes \`pulumi\` callable by its name in the shell that says it.
`;

await runMain(usage, async ({ args, env, reporter, signal }) => {
  parseArgs({ args: [...args], options: {} });
  process.stdout.write(shellLines(engineEnvironment(await ensureEngine({ env, reporter, signal }), env)));
  return 0;
});
