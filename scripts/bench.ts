import { join } from "node:path";
import { defaultLab } from "../lab/lab.ts";
import { cacheFolder } from "../lab/places.ts";
import { aimsOf } from "./bench/aims.ts";
import { listing } from "./bench/list.ts";
import { measure } from "./bench/measure.ts";
import type { Result } from "./bench/measurement.ts";
import { merged } from "./bench/merge.ts";
import { readOptions } from "./bench/options.ts";
import { peers } from "./bench/peers.ts";
import { plan } from "./bench/plan.ts";
import { summary } from "./bench/report/summary.ts";
import { writePage } from "./bench/write.ts";
import { keepResult, readKeptResult } from "./kept-result.ts";
import { runMain } from "./main.ts";
import { UsageError } from "./script-error.ts";

const usage = `Usage: npm run bench [-- OPTIONS]

Measures this project against the tools that people would pick instead, on the same work and the same three hosts of a lab, and says
which aims are met. Nothing else should run on the machine meanwhile. Without options it compares all peers by the usual plan, which
takes most of an hour. The lab is brought up where it is not, and stays up.

  --peers a,b          which peers (--list names them)
  --work 20,baseline   numbers of files per host, or the baseline of a server
  --cases a,b          first, nothing, change, drift
  --delay 0,80-loss5   added round-trip time in milliseconds, and per cent of packets lost
  --repeat N           how often each is measured
  --time-limit S       seconds after which a run is ended and counts as "more than"; default 240
  --budget S           seconds after which a peer gets no further repeat of a setting; default 60
  --minutes M          minutes after which no further run of the comparison begins; default: no end
  --breakdown          where the time of an unchanged run goes
  --growth             1, 3, 10 and 30 light hosts, in one stack and in a stack each; --hosts 1,5 for other numbers
  --all                the comparison, the breakdown and the growth
  --write              write docs/performance.md and its pictures
  --json FILE          where the result goes; default: the folder "bench" of the cache
  --from FILE,FILE     measure nothing, take these results together (for --write)
  --list               say what can be chosen and what would be measured
  --name NAME          which lab, default "${defaultLab}"

Exit code 2: a name was unknown or a peer could not be had; the rest was measured. 1: a run failed.
`;

await runMain(usage, async (surroundings) => {
  const { reporter, args, env } = surroundings;
  const options = readOptions(
    args,
    peers.map(({ name }) => name),
    defaultLab,
  );
  for (const problem of options.problems) reporter.line(problem);
  if (options.list) {
    process.stdout.write(listing(peers, plan(options)));
    return options.problems.length > 0 ? 2 : 0;
  }
  const file = options.json ?? join(cacheFolder(env), "bench", "last.json");
  const keep = (result: Result) => keepResult(file, result);
  const result =
    options.from === undefined ? await measure(surroundings, options, keep) : await readResults(options.from);
  process.stdout.write(summary(result, aimsOf(result)));
  if (options.from === undefined) reporter.line(`the whole result: ${file}`);
  if (options.write) for (const path of await writePage(result)) reporter.line(`wrote ${path}`);
  if (result.runs.some(({ outcome }) => outcome === "failed")) return 1;
  return options.problems.length > 0 || Object.keys(result.missing).length > 0 ? 2 : 0;
});

async function readResults(files: readonly string[]): Promise<Result> {
  const [first, ...rest] = await Promise.all(files.map((file) => readKeptResult<Result>(file)));
  if (first === undefined) throw new UsageError("--from needs the name of a file");
  return merged([first, ...rest]);
}
