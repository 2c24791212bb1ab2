import { type Manner, type Question, type Reply, tryToAsk } from "./ask.ts";
import { type Chain, endOf, follow, longestChain } from "./chain.ts";
import { type Exchange, type NameServer, NoAnswer } from "./exchange.ts";
import type { Expected } from "./expected.ts";
import { canBeAsked } from "./names.ts";
import type { AnsweringResolver, ResolverView } from "./observation.ts";
import { type ResourceRecord, recordsOf } from "./resource-record.ts";

/** How a resolver is told of. */
export function labelOf({ address, port }: NameServer): string {
  return port === 53 ? address : `${address} port ${port}`;
}

/** What a resolver makes of an expected record: the names it leads along, and what stands at the end. */
export async function lookAtResolver(
  exchange: Exchange,
  server: NameServer,
  expected: Expected,
): Promise<ResolverView> {
  const resolver = labelOf(server);
  const asker = { exchange, server };
  const first = await tried(asker, expected.owner, "CNAME", {});
  if (first instanceof NoAnswer) return { resolver, failed: first.why };
  const plainly = await lookAlong(asker, expected, first, {});
  if (plainly.rcode !== "SERVFAIL") return { resolver, ...plainly };
  const unchecked = { checkingDisabled: true };
  const again = await tried(asker, expected.owner, "CNAME", unchecked);
  if (again instanceof NoAnswer) return { resolver, ...plainly };
  const seen = await lookAlong(asker, expected, again, unchecked);
  if (!isTold(seen.rcode)) return { resolver, ...plainly };
  return { resolver, ...seen, rcode: plainly.rcode, bogus: await firstRefused(asker, seen.chain) };
}

interface Asker {
  readonly exchange: Exchange;
  readonly server: NameServer;
}

type Seen = Omit<AnsweringResolver, "resolver" | "bogus">;

/** Whether a resolver says with this that there is, or is not, such a record. */
export function isTold(rcode: string): boolean {
  return rcode === "NOERROR" || rcode === "NXDOMAIN";
}

async function lookAlong(asker: Asker, { owner, purpose }: Expected, first: Reply, manner: Checking): Promise<Seen> {
  const types = purpose === "host" ? (["A", "AAAA"] as const) : (["TXT"] as const);
  const replies = await Promise.all(types.map((type) => tried(asker, owner, type, manner)));
  // An answer that a filter emptied has not even the CNAME, which is why that is asked for by itself.
  const records = [first, ...replies].flatMap((reply) => (reply instanceof NoAnswer ? [] : reply.answers));
  const chain = await followFurther(asker, owner, records, manner);
  const atEnd = <T extends "A" | "AAAA" | "TXT">(type: T) =>
    recordsOf(records, type, endOf(chain)).map(({ data }) => data);
  return {
    rcode: rcodeOf(replies),
    chain: chain.names,
    loop: chain.loop,
    addresses: [...new Set([...atEnd("A"), ...atEnd("AAAA")])].sort(),
    texts: [...new Set(atEnd("TXT"))].sort(),
  };
}

/** The best of several: of two families, one that is answered is enough. */
function rcodeOf(replies: readonly (Reply | NoAnswer)[]): string {
  const all = replies.map((reply) => (reply instanceof NoAnswer ? "no answer" : reply.rcode));
  return all.find(isTold) ?? all[0] ?? "no answer";
}

/**
 * Goes on asking for CNAMEs where the answers end without data: a resolver gives up at a loop, or on the way to a server that
 * is out of order, and a question for the CNAME itself is answered also then.
 */
async function followFurther(asker: Asker, owner: string, records: ResourceRecord[], manner: Checking): Promise<Chain> {
  for (;;) {
    const chain = follow(owner, records);
    const end = endOf(chain);
    const data = records.some(({ name, type }) => name === end && ["A", "AAAA", "TXT"].includes(type));
    if (data || chain.loop || chain.names.length > 2 * longestChain || end === owner || !canBeAsked(end)) return chain;
    const reply = await tried(asker, end, "CNAME", manner);
    const more = reply instanceof NoAnswer ? [] : recordsOf(reply.answers, "CNAME", end);
    if (more.length === 0) return chain;
    records.push(...more);
  }
}

/** The first name of a chain that the resolver refuses while it checks; if it refuses none, the last: what stands there is refused. */
async function firstRefused(asker: Asker, chain: readonly string[]): Promise<string> {
  for (const name of chain) {
    const reply = await tried(asker, name, "CNAME", {});
    if (!(reply instanceof NoAnswer) && reply.rcode === "SERVFAIL") return name;
  }
  return chain.at(-1) ?? "";
}

type Checking = Pick<Manner, "checkingDisabled">;

function tried({ exchange, server }: Asker, name: string, type: Question["type"], manner: Checking) {
  return tryToAsk(exchange, server, { name, type }, { recursive: true, ...manner });
}
