import { parseArgs } from "node:util";
import { biomeWords, typeCheckWords } from "./checks.ts";
import { finish } from "./command.ts";
import { projectFolder } from "./engine/environment.ts";
import { runMain } from "./main.ts";
import { runVitest } from "./vitest.ts";

const usage = `Usage: npm run check

Checks types, lint and format, the direction of dependencies and generated documents. \`npm run lint\` formats and mends first.
`;

await runMain(usage, async ({ args, reporter, signal }) => {
  const { values } = parseArgs({ args: [...args], options: { fix: { type: "boolean", default: false } } });
  let failed = 0;
  const checks = { types: typeCheckWords, "lint and format": biomeWords(values.fix) };
  for (const [what, words] of Object.entries(checks)) {
    const ran = await finish(words, { cwd: projectFolder, signal });
    if (ran.code !== 0) failed += 1;
    reporter.line(`${what}: ${ran.code === 0 ? "right" : "failed"}`);
    if (ran.code !== 0) process.stdout.write(ran.stdout + ran.stderr);
  }
  const tests = ["test/architecture.test.ts", "test/scripts/write-docs.test.ts"];
  const code = await runVitest(["--project", "unit", ...tests], signal);
  return failed === 0 ? code : 1;
});
