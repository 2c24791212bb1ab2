import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cacheFolder } from "../lab/places.ts";
import { projectFolder } from "./engine/environment.ts";
import { casesFolder, chooseCases, groups, readCases } from "./faults/cases.ts";
import { faultsPage } from "./faults/page.ts";
import { accessPicture } from "./faults/picture.ts";
import { type FaultRun, merged, readResults } from "./faults/results.ts";
import { keepResult, readKeptResult } from "./kept-result.ts";
import { runMain } from "./main.ts";
import { describeCommit, describeMachine } from "./measured-on.ts";
import { ScriptError, UsageError } from "./script-error.ts";
import { removeLeftLabs } from "./test-labs.ts";
import { runVitest } from "./vitest.ts";

const usage = `Usage: npm run faults [-- CASES] [options]

Breaks servers of a lab in every way that docs/faults.md lists, and looks at what holds. Needs root. Prints what it saw; when all cases
were run, it writes docs/faults.md and its picture. CASES are ids (lock-out/drops-everything) or groups
(${Object.keys(groups).join(", ")}).

  --list         print the ids of all cases
  --from FILE    take the cases that are not run now from an earlier result
  --json         print the result as JSON instead of words
  --moments N    random moments at which processes are killed, for each kind of victim (default 30)
  --seed N       makes the same moments again (default: a new one, printed)
`;

await runMain(usage, async ({ args, env, reporter, signal }) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      list: { type: "boolean", default: false },
      from: { type: "string" },
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
  const earlier = values.from === undefined ? undefined : await readKeptResult<FaultRun>(values.from);
  const folder = await mkdtemp(join(tmpdir(), "onprem-faults-"));
  try {
    const file = join(folder, "report.json");
    const begun = new Date().toISOString();
    const [machine, commit] = [await describeMachine(), await describeCommit(["infra", "lab", "test"])];
    const words = ["--project", "e2e", "--retry=0", casesFolder, "-t", `^(${chosen.join("|")})$`];
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    const code = await runVitest([...words, ...reporters], signal, "stderr");
    const results = readResults(await readFile(file, "utf8").catch(() => "{}"), commit, chosen);
    const run = merged({ begun, machine, results }, earlier);
    const kept = join(cacheFolder(env), "faults", `${run.begun.replaceAll(":", "")}.json`);
    await keepResult(kept, run);
    reporter.line(`the whole result: ${kept}`);
    process.stdout.write(values.json ? `${JSON.stringify(run, null, 1)}\n` : faultsPage(run));
    // What was broken off says nothing of the cases that it did not reach.
    if (!signal.aborted && all.every((id) => run.results.some((result) => result.id === id))) {
      await writeFile(join(projectFolder, "docs", "faults.md"), faultsPage(run));
      await writeFile(join(projectFolder, "docs", "faults.svg"), accessPicture(run.results));
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
