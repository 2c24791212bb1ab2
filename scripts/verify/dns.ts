import { setTimeout as sleep } from "node:timers/promises";
import { exchangeFromHere } from "../../infra/provider/dns/exchange.ts";
import { exchangeFromHost, resolversOf } from "../../infra/provider/dns/exchange-from-host.ts";
import { familiesHere, resolversOutside } from "../../infra/provider/dns/here.ts";
import { type LookOptions, lookUp } from "../../infra/provider/dns/look.ts";
import type { Observation } from "../../infra/provider/dns/observation.ts";
import { judge } from "../../infra/provider/dns/verdict.ts";
import { SudoRefused } from "../../infra/provider/host/errors.ts";
import { connect, type SshHost } from "../../infra/provider/host/ssh-host.ts";
import { knownAccount } from "../../infra/provider/resources/acme-account.ts";
import { type CustomerRecord, customerRecords } from "../../infra/settings/records.ts";
import { stackNames, stackSettings } from "../documents/stack-settings.ts";
import type { Surroundings } from "../main.ts";
import { connectionOf } from "./connection.ts";
import { isRight, type JudgedRecord, recordLines, summaryLine } from "./dns-lines.ts";
import type { StackFile } from "./stack-file.ts";

export interface DnsOptions {
  readonly json: boolean;
  /** Ask again until every record is right. */
  readonly watch: boolean;
  /** Seconds in between. */
  readonly every: number;
}

type Inside = NonNullable<LookOptions["inside"]>;

/** Looks at the customer's records from everywhere, and tells what is wrong (DNS-3 to DNS-9). Gives the exit code. */
export async function verifyDns(file: StackFile, options: DnsOptions, surroundings: Surroundings): Promise<number> {
  const names = stackNames(file.stack, file.text, file.name);
  const records = customerRecords(names);
  const outside = resolversOutside(names.dns.resolvers);
  await using server = await enter(file, names.https.acme?.account, surroundings);
  const look: LookOptions = {
    outside,
    ca: { domains: names.dns.issuers, ...(server.account === undefined ? {} : { accountUri: server.account }) },
    addressFamilies: await familiesHere(outside),
    ...(server.inside === undefined ? {} : { inside: server.inside }),
  };
  let before: readonly JudgedRecord[] | undefined;
  for (;;) {
    const judged = await Promise.all(records.map((record) => judgedRecord(record, look)));
    tell(file.stack, judged, before, server.why, options);
    const right = judged.every(isRight);
    if (right || !options.watch) return right ? 0 : 1;
    before = judged;
    await sleep(options.every * 1000, undefined, { signal: surroundings.signal });
  }
}

async function judgedRecord(expected: CustomerRecord, look: LookOptions): Promise<JudgedRecord> {
  const observation: Observation = await lookUp(exchangeFromHere, expected, look);
  return { expected, observation, findings: judge(expected, observation) };
}

/** Everything the first time; after that what has changed. */
function tell(
  stack: string,
  judged: readonly JudgedRecord[],
  before: readonly JudgedRecord[] | undefined,
  unasked: string | undefined,
  { json, watch }: DnsOptions,
): void {
  const at = new Date().toISOString();
  if (json) {
    const records = judged.map((record) => ({ right: isRight(record), ...record }));
    process.stdout.write(`${JSON.stringify({ stack, at, records, unasked }, null, watch ? undefined : 2)}\n`);
    return;
  }
  const changed = judged.filter((record, index) => {
    const old = before?.[index];
    return old === undefined || recordLines(old).join() !== recordLines(record).join();
  });
  if (before !== undefined && changed.length === 0) return;
  const lines = [
    ...(watch ? [at.replace("T", " ").slice(0, 19)] : []),
    ...changed.flatMap(recordLines),
    ...(unasked === undefined || before !== undefined
      ? []
      : [`not asked from the server itself: ${unasked.replaceAll("\n", "\n  ")}`]),
    summaryLine(judged, watch),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

interface Entered extends AsyncDisposable {
  /** Address of the account that it has at the authority, where there is one yet; what the settings say where nobody could look. */
  readonly account: string | undefined;
  readonly inside?: Inside;
  /** Why the server itself could not be asked. */
  readonly why?: string;
}

/** The server's own view; where there is no server yet, or it cannot be reached, that is told and no mistake. */
async function enter(
  { stack, text, name }: StackFile,
  saidAccount: string | undefined,
  { reporter, signal, env }: Surroundings,
): Promise<Entered> {
  let host: SshHost | undefined;
  const close = { [Symbol.asyncDispose]: async () => host?.close() };
  try {
    const settings = stackSettings(stack, text, name);
    const say = (_: string, message: string) => reporter.line(message);
    const { acme } = settings.https;
    const connection = connectionOf(settings, env);
    // An account is root's to read. By a login that may not be root nothing is known of it.
    const root = acme && (await connect({ ...connection, privileged: true }, { say, signal }).catch(unlessRefused));
    host = root ?? (await connect(connection, { say, signal }));
    const account = acme && root ? await knownAccount(root, acme.directory) : saidAccount;
    const known = { ...close, account };
    const resolvers = await resolversOf(host);
    if (resolvers.length === 0) return { ...known, why: "its /etc/resolv.conf names no resolver" };
    return { ...known, inside: { exchange: exchangeFromHost(host), resolvers } };
  } catch (error) {
    await host?.close();
    if (signal.aborted) throw error;
    return { async [Symbol.asyncDispose]() {}, account: saidAccount, why: (error as Error).message };
  }
}

function unlessRefused(error: unknown): undefined {
  if (!(error instanceof SudoRefused)) throw error;
}
