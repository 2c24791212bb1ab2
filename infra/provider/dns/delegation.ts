import { Failure } from "../failure.ts";
import { ask } from "./ask.ts";
import { longestChain } from "./chain.ts";
import { type Exchange, type NameServer, NoAnswer } from "./exchange.ts";
import { isWithin } from "./names.ts";
import { recordsOf } from "./resource-record.ts";

/**
 * The names that a challenge's name leads along by CNAMEs, from itself to the first within a zone that we write to; itself alone where it
 * lies there. Asked one by one, and not beyond the zone's border: nothing stands there yet, and a resolver that is asked remembers that,
 * perhaps for an authority that asks it a moment later (RFC 2308).
 *
 * @throws Failure where no resolver answers, the chain does not end, or it ends elsewhere
 */
export async function delegation(
  exchange: Exchange,
  resolvers: readonly NameServer[],
  name: string,
  zone: string,
): Promise<string[]> {
  const chain = [name];
  for (;;) {
    const at = chain.at(-1) ?? name;
    if (isWithin(at, zone)) return chain;
    const next = await cnameOf(exchange, resolvers, at, name);
    if (next === undefined) {
      throw new Failure({
        what: `cannot answer a challenge at ${name}`,
        why: `${chain.length === 1 ? "there is no CNAME" : `its CNAMEs end at ${at}`}, and the zone that we write to is ${zone}`,
        remedy: `The customer's record is missing or wrong (DNS-5): ${name} CNAME ${name}.${zone}. \`npm run verify -- dns STACK\` says more.`,
      });
    }
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
