import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { projectFolder } from "./engine/environment.ts";
import { casesFolder, chooseCases, groups, readCases } from "./faults/cases.ts";
import { faultsPage } from "./faults/page.ts";
import { accessPicture } from "./faults/picture.ts";
import { readResults } from "./faults/results.ts";
import { runMain } from "./main.ts";
import { describeCommit, describeMachine } from "./measured-on.ts";
import { ScriptError, UsageError } from "./script-error.ts";
import { removeLeftLabs } from "./test-labs.ts";
import { runVitest } from "./vitest.ts";

const usage = `Usage: npm run faults [-- CASES] [options]

Breaks servers of a lab in every way that docs/faults.md lists, and looks at what holds. Needs root. A run of all cases writes
docs/faults.md and its picture; a run of some prints what it saw. CASES are ids (lock-out/drops-everything) or groups
(${Object.keys(groups).join(", ")}).

  --list         print the ids of all cases
  --json         print the result as JSON instead of words
  --moments N    random moments at which processes are killed, for each kind of victim (default 30)
  --seed N       makes the same moments again (default: a new one, printed)
`;

await runMain(usage, async ({ args, reporter, signal }) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      list: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      moments: { type: "string", default: "30" },
      seed: { type: "string" },
    },
  });
  process.env.ONPREM_FAULT_MOMENTS = whole("moments", values.moments);
  if (values.seed !== undefined) process.env.ONPREM_FAULT_SEED = whole("seed", values.seed);
  const all = readCases();
  if (values.list) {
    process.stdout.write(`${all.join("\n")}\n`);
    return 0;
  }
  const { chosen, unknown } = chooseCases(positionals, all);
  for (const word of unknown) {
    reporter.line(
      `there is no case or group "${word}"\n  \`npm run faults -- --list\` prints them; the other cases run`,
    );
  }
  if (chosen.length === 0) return 2;
  if (process.getuid?.() !== 0) {
    throw new ScriptError("the faults need root", "they bring up a lab with machines, mounts and networks of its own");
  }
  const folder = await mkdtemp(join(tmpdir(), "onprem-faults-"));
  try {
    const file = join(folder, "report.json");
    const setting = {
      begun: new Date().toISOString(),
      commit: await describeCommit(["infra", "lab", "test"]),
      machine: await describeMachine(),
    };
    const words = ["--project", "e2e", casesFolder, "-t", `^(${chosen.join("|")})$`];
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    const code = await runVitest([...words, ...reporters], signal, "stderr");
    const results = readResults(await readFile(file, "utf8").catch(() => "{}"));
    if (values.json) process.stdout.write(`${JSON.stringify({ setting, results }, null, 2)}\n`);
    else process.stdout.write(faultsPage(setting, results));
    if (chosen.length === all.length && results.length === all.length) {
      await writeFile(join(projectFolder, "docs", "faults.md"), faultsPage(setting, results));
      await writeFile(join(projectFolder, "docs", "faults.svg"), accessPicture(results));
      reporter.line("wrote docs/faults.md and docs/faults.svg");
    }
    return unknown.length > 0 ? 2 : code;
  } finally {
    await rm(folder, { recursive: true, force: true });
    await removeLeftLabs(reporter);
  }
});

function whole(option: string, text: string): string {
  if (/^[1-9]\d{0,8}$/.test(text)) return text;
  throw new UsageError(`--${option} is a whole number from 1 up, not "${text}"`);
}
