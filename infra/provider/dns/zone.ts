import { ask, tryToAsk } from "./ask.ts";
import { type Exchange, type NameServer, NoAnswer } from "./exchange.ts";
import { isWithin, upwards } from "./names.ts";
import { recordsOf } from "./resource-record.ts";

/** A zone, and who serves it. */
export interface Zone {
  /** Its top: `kommune.dk`. */
  readonly zone: string;
  /** By name, each with its IPv4 and IPv6 addresses; none where the name has none. */
  readonly servers: readonly ZoneServer[];
}

/** A name server by its name. */
export interface ZoneServer {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** The resolver does not tell in which zone a name lies. */
export class NoZone extends Error {
  override readonly name = "NoZone";
}

/** Zones are looked for also where signatures are wrong: that is another finding. */
const manner = { recursive: true, checkingDisabled: true };

/**
 * The zone that holds a name, and its servers, by a resolver.
 *
 * @throws NoZone, NoAnswer
 */
export async function zoneOf(exchange: Exchange, resolver: NameServer, name: string): Promise<Zone> {
  const zone = await topOf(exchange, resolver, name);
  const { answers } = await ask(exchange, resolver, { name: zone, type: "NS" }, manner);
  const names = recordsOf(answers, "NS", zone).map(({ data }) => data);
  return { zone, servers: await serversOf(exchange, resolver, names) };
}

/** Name servers with their addresses; sorted, each once. */
export async function serversOf(
  exchange: Exchange,
  resolver: NameServer,
  names: readonly string[],
): Promise<ZoneServer[]> {
  const each = [...new Set(names)].sort();
  return Promise.all(each.map(async (name) => ({ name, addresses: await addressesOf(exchange, resolver, name) })));
}

async function topOf(exchange: Exchange, resolver: NameServer, name: string): Promise<string> {
  let silence: NoAnswer | undefined;
  for (const at of [...upwards(name), ""]) {
    // Asked for its SOA at once, a resolver would follow a CNAME, and remember that nothing stands at its end yet (RFC 2308).
    const alias = await tryToAsk(exchange, resolver, { name: at, type: "CNAME" }, manner);
    // No CNAME stands at a top.
    if (!(alias instanceof NoAnswer) && recordsOf(alias.answers, "CNAME", at).length > 0) continue;
    const reply =
      alias instanceof NoAnswer ? alias : await tryToAsk(exchange, resolver, { name: at, type: "SOA" }, manner);
    if (reply instanceof NoAnswer) {
      // Nothing comes from there; what is above may still be told.
      silence ??= reply;
      continue;
    }
    if (recordsOf(reply.answers, "SOA", at).length > 0) return at;
    // The authority section would tell of the zone that a CNAME leads into (RFC 2308, section 2.1): one that was hidden before.
    if (recordsOf(reply.answers, "CNAME", at).length > 0) continue;
    const [holder] = recordsOf(reply.authority, "SOA");
    if (holder !== undefined && isWithin(at, holder.name)) return holder.name;
  }
  throw silence ?? new NoZone(`${resolver.address} does not tell in which zone ${name} lies`);
}

/** The addresses of a name, of each family sorted; none also where the resolver has no answer. */
async function addressesOf(exchange: Exchange, resolver: NameServer, name: string): Promise<string[]> {
  const types = ["A", "AAAA"] as const;
  const replies = await Promise.all(types.map((type) => tryToAsk(exchange, resolver, { name, type }, manner)));
  return replies.flatMap((reply) => {
    if (reply instanceof NoAnswer) return [];
    return types.flatMap((type) => recordsOf(reply.answers, type).map(({ data }) => data)).sort();
  });
}
