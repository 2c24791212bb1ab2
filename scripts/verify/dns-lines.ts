import type { Finding } from "../../infra/provider/dns/finding.ts";
import type { Observation } from "../../infra/provider/dns/observation.ts";
import { isGreen } from "../../infra/provider/dns/verdict.ts";
import type { CustomerRecord } from "../../infra/settings/records.ts";

/** A record, what was seen of it, and what that means. */
export interface JudgedRecord {
  readonly expected: CustomerRecord;
  readonly observation: Observation;
  readonly findings: readonly Finding[];
}

/** Whether a record does its work. */
export function isRight({ findings }: JudgedRecord): boolean {
  return isGreen(findings);
}

/** A record for people: what it must be, whether it is, who was asked, and what to do. */
export function recordLines(record: JudgedRecord): string[] {
  const { expected, observation, findings } = record;
  const { owner, target } = expected;
  const asked = [
    ...new Set(observation.servers.map(({ name }) => name)),
    ...observation.outside.map(({ resolver }) => `resolver ${resolver}`),
    ...(observation.inside ?? []).map(({ resolver }) => `inside ${resolver}`),
  ];
  return [
    `${isRight(record) ? "ok    " : "WRONG "}  ${owner}  CNAME  ${target}`,
    `        asked: ${asked.length === 0 ? "nobody" : asked.join(", ")}`,
    ...findings.flatMap(({ severity, said, remedy }) => [
      `        ${severity === "wrong" ? "" : "note: "}${indented(said)}`,
      `          ${indented(remedy)}`,
    ]),
  ];
}

function indented(text: string): string {
  return text.replaceAll("\n", "\n          ");
}

/** How many are right. @param inside Whether the server itself was asked, too. */
export function summaryLine(
  judged: readonly JudgedRecord[],
  { watch, inside }: { watch: boolean; inside: boolean },
): string {
  const right = judged.filter(isRight).length;
  if (right === judged.length) {
    return `all ${right} records are right${inside ? "" : ", as far as was asked: not from the server itself"}`;
  }
  return `${judged.length - right} of ${judged.length} records are not right${watch ? "; asking again" : ""}`;
}
