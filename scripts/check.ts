import { join } from "node:path";
import { biomeWords, typeCheckWords } from "./checks.ts";
import { finish } from "./command.ts";
import { projectFolder } from "./engine/environment.ts";
import { runMain } from "./main.ts";
import { runVitest } from "./vitest.ts";

// `npm run check`: types, lint and format, the direction of dependencies, generated documents. `npm run lint` formats and mends first.
await runMain(async ({ args, reporter, signal }) => {
  let failed = 0;
  for (const words of [typeCheckWords, biomeWords(args.includes("--fix"))]) {
    const ran = await finish(words, { cwd: projectFolder, signal });
    if (ran.code !== 0) failed += 1;
    reporter.line(
      `${words.slice(1).join(" ").replace(join(projectFolder, "/"), "")}: ${ran.code === 0 ? "ok" : "failed"}`,
    );
    if (ran.code !== 0) process.stdout.write(ran.stdout + ran.stderr);
  }
  const tests = ["test/architecture.test.ts", "test/scripts/write-docs.test.ts"];
  const code = await runVitest(["--project", "unit", ...tests], signal);
  return failed === 0 ? code : 1;
});
