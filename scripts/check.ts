import { biomeWords, typeCheckWords } from "./checks.ts";
import { finish } from "./command.ts";
import { projectFolder } from "./engine/environment.ts";
import { runMain } from "./main.ts";
import { runVitest } from "./vitest.ts";

// `npm run check`: types, lint and format, the direction of dependencies, generated documents. `npm run lint` formats and mends first.
await runMain(async ({ args, reporter, signal }) => {
  let failed = 0;
  const checks = { types: typeCheckWords, "lint and format": biomeWords(args.includes("--fix")) };
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
