import { Failure } from "../failure.ts";
import { ask } from "./ask.ts";
import { longestChain } from "./chain.ts";
import { type Exchange, type NameServer, NoAnswer } from "./exchange.ts";
import { recordsOf } from "./resource-record.ts";

/**
 * Where a name's CNAMEs lead: the name itself where there is none. Asked one by one, for nothing need stand at the end yet.
 *
 * @throws Failure where no resolver answers, or the chain does not end
 */
export async function delegatedName(
  exchange: Exchange,
  resolvers: readonly NameServer[],
  name: string,
): Promise<string> {
  const chain = [name];
  for (;;) {
    const at = chain.at(-1) ?? name;
    const next = await cnameOf(exchange, resolvers, at, name);
    if (next === undefined) return at;
    if (chain.includes(next) || chain.length > longestChain) {
      throw new Failure({
        what: `cannot answer a challenge at ${name}`,
        why: `its CNAMEs ${chain.includes(next) ? "lead in a circle" : "do not end"}: ${[...chain, next].join(" -> ")}`,
        remedy: "`npm run verify -- dns STACK` says which record is wrong.",
      });
    }
    chain.push(next);
  }
}

async function cnameOf(
  exchange: Exchange,
  resolvers: readonly NameServer[],
  at: string,
  name: string,
): Promise<string | undefined> {
  const silent: string[] = [];
  for (const resolver of resolvers) {
    try {
      const { rcode, answers } = await ask(exchange, resolver, { name: at, type: "CNAME" }, { recursive: true });
      if (rcode === "NOERROR" || rcode === "NXDOMAIN") return recordsOf(answers, "CNAME", at)[0]?.data;
      silent.push(`${resolver.address} says ${rcode}`);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      silent.push(error.message);
    }
  }
  throw new Failure({
    what: `cannot answer a challenge at ${name}`,
    why: `no resolver tells where ${at} leads: ${silent.join("; ") || "none is known"}`,
    remedy: "Name resolvers outside the customer's network that this machine may ask: dns.resolvers.",
  });
}
