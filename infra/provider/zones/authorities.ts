import { isIPv6 } from "node:net";
import { type Reply, tryToAsk } from "../dns/ask.ts";
import { labelOfServer } from "../dns/evidence.ts";
import { type Exchange, type NameServer, NoAnswer } from "../dns/exchange.ts";
import { familiesHere } from "../dns/here.ts";
import { recordsOf } from "../dns/resource-record.ts";
import { NoZone, zoneOf } from "../dns/zone.ts";
import { shortAddress } from "../ranges.ts";
import type { ZoneContext } from "./zone.ts";

/** One of a zone's own servers, at one address. */
export interface Authority extends NameServer {
  /** `ns1.kommune.dk (192.0.2.1)`. */
  readonly label: string;
}

/** Who serves the zone that holds a name. */
export interface Authorities {
  readonly zone: string;
  /** Each address of the families that this machine has. */
  readonly asked: readonly Authority[];
  /** Names of servers that have no address at all. */
  readonly nowhere: readonly string[];
  /** Servers that have addresses, and none of a family that this machine has. */
  readonly outOfReach: readonly string[];
}

/** Finds them by the first resolver that knows. @throws NoZone, NoAnswer */
export async function authoritiesOf(
  { exchange, resolvers, port = 53 }: Pick<ZoneContext, "exchange" | "resolvers" | "port">,
  name: string,
): Promise<Authorities> {
  const families = await familiesHere(resolvers);
  const { zone, servers } = await firstThatKnows(exchange, resolvers, name);
  const isOurs = (address: string) => families.includes(isIPv6(address) ? "ipv6" : "ipv4");
  return {
    zone,
    asked: servers.flatMap((server) =>
      server.addresses
        .filter(isOurs)
        .map((address) => ({ address, port, label: labelOfServer({ name: server.name, address }) })),
    ),
    nowhere: servers.filter(({ addresses }) => addresses.length === 0).map((server) => server.name),
    outOfReach: servers
      .filter(({ addresses }) => addresses.length > 0 && !addresses.some(isOurs))
      .map((server) => server.name),
  };
}

async function firstThatKnows(exchange: Exchange, resolvers: readonly NameServer[], name: string) {
  let failed: NoZone | NoAnswer | undefined;
  for (const resolver of resolvers) {
    try {
      return await zoneOf(exchange, resolver, name);
    } catch (error) {
      if (!(error instanceof NoZone || error instanceof NoAnswer)) throw error;
      failed ??= error;
    }
  }
  throw failed ?? new NoZone("there is no resolver to ask");
}

/** Types of records that are set here. */
export type SetType = "A" | "AAAA" | "TXT";

/** What stands at a name as one of the zone's own servers has it, sorted; or, in a few words, why that is not told. */
export async function askAuthority(
  exchange: Exchange,
  server: NameServer,
  name: string,
  types: readonly SetType[],
): Promise<readonly string[] | NotTold> {
  const replies = await Promise.all(
    types.map((type) => tryToAsk(exchange, server, { name, type }, { recursive: false })),
  );
  const values: string[] = [];
  for (const reply of replies) {
    if (reply instanceof NoAnswer) return { why: silences[reply.why], silence: reply };
    const why = whyNot(reply);
    if (why !== undefined) return { why };
    for (const type of types) {
      const found = recordsOf(reply.answers, type, name).map(({ data }) => data);
      values.push(...(type === "TXT" ? found : found.map(shortAddress)));
    }
  }
  return values.sort();
}

/** Why a server's word does not count. */
export interface NotTold {
  /** What it does instead: `sends no answer`. */
  readonly why: string;
  readonly silence?: NoAnswer;
}

export function isTold(told: readonly string[] | NotTold): told is readonly string[] {
  return !("why" in told);
}

const silences = {
  silent: "sends no answer",
  refused: "does not listen",
  "no route": "cannot be reached from here",
};

function whyNot({ rcode, authoritative }: Reply): string | undefined {
  if (!["NOERROR", "NXDOMAIN"].includes(rcode)) return `does not serve the zone (${rcode})`;
  return authoritative ? undefined : "does not serve the zone";
}
