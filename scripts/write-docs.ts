import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generatedPages } from "./docs/pages.ts";
import { projectFolder } from "./engine/environment.ts";
import { runMain } from "./main.ts";

// `npm run docs`: writes the documents that are made from the code. A unit test compares them.
await runMain(async ({ reporter }) => {
  for (const [path, text] of generatedPages()) {
    await writeFile(join(projectFolder, path), text);
    reporter.line(`wrote ${path}`);
  }
  return 0;
});
