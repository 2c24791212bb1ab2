import { code, table } from "../docs/markdown.ts";
import { type Machine, machineInWords } from "../measured-on.ts";
import { byGroup, groupOf, groups } from "./cases.ts";
import type { FaultResult } from "./results.ts";

/** When, from what and on what the cases were run. */
export interface Setting {
  /** ISO 8601. */
  readonly begun: string;
  readonly commit: string;
  readonly machine: Machine;
}

/** docs/faults.md, or what a run of some cases prints. */
export function faultsPage(setting: Setting, results: readonly FaultResult[]): string {
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

**${held} of ${results.length} held.** Run on ${setting.begun.slice(0, 10)} at commit ${code(setting.commit)} on ${machineInWords(setting.machine)}.

![Seconds without a way in, by case](faults.svg)

*No way in* is the time from the first new login that failed to the first that worked again, tried four times a second from outside with
the whole way: TCP, SSH, sudo. 0 s: no login failed. A dash: the case has nothing to do with access. A window is 10 s in these tests
where nothing else is said; in use it is 60 s (\`confirmSeconds\`).

${sections.join("\n")}`;
}

const head = ["Case", "What was done", "What must hold", "What was seen", "No way in", "Held"];

function row({ id, done, holds, seen, accessBack, outcome, error }: FaultResult): string[] {
  const said = outcome === "held" ? seen : [...seen, `**${error ?? "it failed without a word"}**`];
  const away = accessBack === undefined ? "–" : `${accessBack} s`;
  return [id.slice(id.indexOf("/") + 1), done, holds, said.join(". "), away, outcome === "held" ? "yes" : "**no**"];
}
