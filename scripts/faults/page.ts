import { code, table } from "../docs/markdown.ts";
import { machineInWords } from "../measured-on.ts";
import { byGroup, groupOf, groups } from "./cases.ts";
import type { FaultResult, FaultRun } from "./results.ts";

/** docs/faults.md, or what a run of some cases prints. */
export function faultsPage({ begun, machine, results }: FaultRun): string {
  const sorted = [...results].sort((one, other) => byGroup(one.id, other.id));
  const held = results.filter(({ outcome }) => outcome === "held").length;
  const sections = Object.entries(groups).flatMap(([group, title]) => {
    const cases = sorted.filter(({ id }) => groupOf(id) === group);
    return cases.length === 0 ? [] : [`## ${title}\n\n${table(head, cases.map(row))}\n`];
  });
  return `# Faults

What we do to servers, networks and ourselves, what must hold, and what was seen. Each row is a test that breaks a real server of the
lab and looks at it through its namespaces, past every firewall. \`npm run faults\` runs them all and writes this page; \`npm test\` runs
them too, with fewer random moments.

**${held} of ${results.length} held.** Run on ${begun.slice(0, 10)} at ${commits(results)} on ${machineInWords(machine)}.

![Seconds without a way in, by case](faults.svg)

*No way in* is the time from the first new login that failed to the first that worked again, tried four times a second from outside with
the whole way: TCP, SSH, sudo. 0 s: no login failed. A dash: nobody looked. The window of a guarded change is 7 to
60 s in these cases, mostly 7, so that they do not take all day; in use it is 60 s (\`confirmSeconds\`). Where nobody tells the server
anything, the time without a way in is about the window; where our open connection still works, we have it undone at once.

${sections.join("\n")}`;
}

/** `commit abc1234`, or each of several with the number of its cases. */
function commits(results: readonly FaultResult[]): string {
  const all = [...new Set(results.map(({ commit }) => commit))];
  if (all.length === 1) return `commit ${code(all[0] ?? "")}`;
  const count = (wanted: string) => results.filter(({ commit }) => commit === wanted).length;
  return `commits ${all.map((commit) => `${code(commit)} (${count(commit)})`).join(" and ")}`;
}

const head = ["Case", "What was done", "What must hold", "What was seen", "No way in", "Held"];

function row({ id, done, holds, seen, accessBack, outcome, error }: FaultResult): string[] {
  const said = outcome === "held" ? seen : [...seen, `**${error ?? "it failed without a word"}**`];
  const away = accessBack === undefined ? "–" : `${accessBack} s`;
  return [id.slice(id.indexOf("/") + 1), done, holds, said.join(". "), away, outcome === "held" ? "yes" : "**no**"];
}
