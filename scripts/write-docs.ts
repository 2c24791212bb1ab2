import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { generatedPages } from "./docs/pages.ts";
import { projectFolder } from "./engine/environment.ts";
import { runMain } from "./main.ts";

const usage = `Usage: npm run docs

Writes the documents that are made from the code: docs/resources.md and docs/settings.md. A unit test compares them.
`;

await runMain(usage, async ({ args, reporter }) => {
  parseArgs({ args: [...args], options: {} });
  for (const [path, text] of await generatedPages()) {
    await writeFile(join(projectFolder, path), text);
    reporter.line(`wrote ${path}`);
  }
  return 0;
});
