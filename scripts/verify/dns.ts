import { setTimeout as sleep } from "node:timers/promises";
import { exchangeFromHere } from "../../infra/provider/dns/exchange.ts";
import { familiesHere, resolversOutside } from "../../infra/provider/dns/here.ts";
import { type LookOptions, lookUp } from "../../infra/provider/dns/look.ts";
import type { Observation } from "../../infra/provider/dns/observation.ts";
import { judge } from "../../infra/provider/dns/verdict.ts";
import { type CustomerRecord, customerRecords } from "../../infra/settings/records.ts";
import { stackNames } from "../documents/stack-settings.ts";
import type { Surroundings } from "../main.ts";
import { type Entered, enter, InsideView } from "./dns-inside.ts";
import { isRight, type JudgedRecord, recordLines, summaryLine } from "./dns-lines.ts";
import type { StackFile } from "./stack-file.ts";

export interface DnsOptions {
  readonly json: boolean;
  /** Ask again until every record is right. */
  readonly watch: boolean;
  /** Seconds in between. */
  readonly every: number;
}

/** What was seen in one round. */
interface Round {
  readonly judged: readonly JudgedRecord[];
  /** Why the server itself could not be asked. */
  readonly unasked: string | undefined;
}

/** Looks at the customer's records from everywhere, and tells what is wrong (DNS-3 to DNS-9). Gives the exit code. */
export async function verifyDns(file: StackFile, options: DnsOptions, surroundings: Surroundings): Promise<number> {
  const names = stackNames(file.stack, file.text, file.name);
  const records = customerRecords(names);
  const outside = resolversOutside(names.dns.resolvers);
  const addressFamilies = await familiesHere(outside);
  await using server = new InsideView((first) => enter(file, names.https.acme?.account, surroundings, first));
  const look = async ({ account, inside, why }: Entered): Promise<Round> => {
    const ca = { domains: names.dns.issuers, ...(account === undefined ? {} : { accountUri: account }) };
    const from = { outside, ca, addressFamilies, ...(inside === undefined ? {} : { inside }) };
    const judged = await Promise.all(records.map((record) => judgedRecord(record, from)));
    return { judged, unasked: why };
  };
  let before: Round | undefined;
  for (;;) {
    const now = await server.through(look);
    tell(file.stack, now, before, options);
    const right = now.judged.every(isRight);
    if (right || !options.watch) return right ? 0 : 1;
    before = now;
    await sleep(options.every * 1000, undefined, { signal: surroundings.signal });
  }
}

async function judgedRecord(expected: CustomerRecord, look: LookOptions): Promise<JudgedRecord> {
  const observation: Observation = await lookUp(exchangeFromHere, expected, look);
  return { expected, observation, findings: judge(expected, observation) };
}

/** Everything the first time; after that what has changed. */
function tell(stack: string, { judged, unasked }: Round, before: Round | undefined, { json, watch }: DnsOptions): void {
  const at = new Date().toISOString();
  if (json) {
    const records = judged.map((record) => ({ right: isRight(record), ...record }));
    process.stdout.write(`${JSON.stringify({ stack, at, records, unasked }, null, watch ? undefined : 2)}\n`);
    return;
  }
  const changed = judged.filter((record, index) => {
    const old = before?.judged[index];
    return old === undefined || recordLines(old).join() !== recordLines(record).join();
  });
  const isNews = unasked !== before?.unasked;
  if (before !== undefined && changed.length === 0 && !isNews) return;
  const lines = [
    ...(watch ? [at.replace("T", " ").slice(0, 19)] : []),
    ...changed.flatMap(recordLines),
    ...(unasked === undefined || !isNews
      ? []
      : [`not asked from the server itself: ${unasked.replaceAll("\n", "\n  ")}`]),
    summaryLine(judged, { watch, inside: unasked === undefined }),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
