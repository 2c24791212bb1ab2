import { weigh } from "./evidence.ts";
import type { Expected } from "./expected.ts";
import type { Finding } from "./finding.ts";
import type { Observation } from "./observation.ts";
import { judgeCaa } from "./verdict-caa.ts";
import { judgeInside } from "./verdict-inside.ts";
import { judgePath } from "./verdict-path.ts";
import { judgeRecord } from "./verdict-record.ts";
import { judgeServers } from "./verdict-servers.ts";

export type { Finding, FindingKind } from "./finding.ts";

/** What is wrong with a record, by what was seen of it; empty, or warnings alone, when it is as it must be (DNS-3 to DNS-9). Pure. */
export function judge(expected: Expected, observation: Observation): Finding[] {
  const evidence = weigh(expected, observation);
  return [
    ...judgeRecord(expected, observation, evidence),
    ...judgeServers(observation, evidence),
    ...judgePath(expected, observation, evidence),
    ...judgeInside(expected, observation, evidence),
    ...judgeCaa(observation),
  ];
}

/** The same where no resolver was asked for it: by the zone's own servers, and by CAA records. Pure. */
export function judgeHeld(expected: Expected, observation: Observation): Finding[] {
  const evidence = weigh(expected, observation);
  return [
    ...judgeRecord(expected, observation, evidence),
    ...judgeServers(observation, evidence),
    ...judgeCaa(observation),
  ];
}

/** Findings about what the server itself sees. */
const insideOnly: ReadonlySet<string> = new Set<Finding["kind"]>(["inside-differs", "filtered-inside"]);

/** Of what was found, what keeps an authority from issuing: it does not ask where the server does. */
export function forbidding(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ kind, severity }) => severity === "wrong" && !insideOnly.has(kind));
}

/** Whether nothing found stands in the way. */
export function isGreen(findings: readonly Finding[]): boolean {
  return findings.every(({ severity }) => severity === "warning");
}
