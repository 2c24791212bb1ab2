import { readFile } from "node:fs/promises";
import { describeCaches, readCaches } from "./ci/caches.ts";
import { describeTally, isGood, tally } from "./ci/tally.ts";
import { runMain } from "./main.ts";
import { ScriptError } from "./script-error.ts";

// What .ci/run says before and after the tests: `ci caches`, and `ci tally REPORT`, whose exit code is 1 unless all is well.
await runMain(async ({ args: [command, file], env }) => {
  if (command === "caches") {
    process.stdout.write(describeCaches(await readCaches(env)));
    return 0;
  }
  if (command === "tally" && file !== undefined) {
    const counted = tally(await readFile(file, "utf8").catch(() => undefined));
    process.stdout.write(`${describeTally(counted)}\n`);
    return isGood(counted) ? 0 : 1;
  }
  throw new ScriptError("ci needs a command", "it has `caches` and `tally REPORT`");
});
