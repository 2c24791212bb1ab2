import { readFile } from "node:fs/promises";
import { describeCaches, readCaches } from "./ci/caches.ts";
import { describeTally, isGood, tally } from "./ci/tally.ts";
import { runMain } from "./main.ts";
import { UsageError } from "./script-error.ts";

const usage = `Usage: node scripts/launch.mjs ci caches
       node scripts/launch.mjs ci tally REPORT

What .ci/run says before and after the tests. The exit code of tally is 1 unless all is well.
`;

await runMain(usage, async ({ args: [command, file], env }) => {
  if (command === "caches") {
    process.stdout.write(describeCaches(await readCaches(env)));
    return 0;
  }
  if (command === "tally" && file !== undefined) {
    const counted = tally(await readFile(file, "utf8").catch(() => undefined));
    process.stdout.write(`${describeTally(counted)}\n`);
    return isGood(counted) ? 0 : 1;
  }
  throw new UsageError("ci needs a command");
});
