import { isIPv6 } from "node:net";
import { tryToAsk } from "./ask.ts";
import { type Exchange, type NameServer, NoAnswer } from "./exchange.ts";
import { challengeLabel, type Expected } from "./expected.ts";
import { lookForCaa } from "./look-caa.ts";
import { lookAtResolver } from "./look-resolver.ts";
import { lookAtServer, type ServerLook } from "./look-server.ts";
import type { CertificateAuthority, Observation, ServerView } from "./observation.ts";
import { NoZone, serversOf, type Zone, type ZoneServer, zoneOf } from "./zone.ts";

/** Whom to ask. */
export interface LookOptions {
  /** Resolvers that see what the world sees; the first that answers finds the zone. */
  readonly outside: readonly NameServer[];
  /** The server's own resolvers, and the way to them. */
  readonly inside?: { readonly exchange: Exchange; readonly resolvers: readonly NameServer[] };
  /** The CA that shall issue; matters to challenge records alone. */
  readonly ca?: CertificateAuthority;
  /**
   * Port of the zones' own servers; another only in tests.
   * @default 53
   */
  readonly port?: number;
  /**
   * Families of the zones' servers that are asked: this machine may have one alone.
   * @default ["ipv4", "ipv6"]
   */
  readonly addressFamilies?: readonly ("ipv4" | "ipv6")[];
}

/** Looks at one expected record from everywhere, and changes nothing (DNS-3 to DNS-9). @param exchange From this machine. */
export async function lookUp(exchange: Exchange, expected: Expected, options: LookOptions): Promise<Observation> {
  const { inside } = options;
  const [outsideViews, insideViews] = await Promise.all([
    Promise.all(options.outside.map((resolver) => lookAtResolver(exchange, resolver, expected))),
    inside && Promise.all(inside.resolvers.map((resolver) => lookAtResolver(inside.exchange, resolver, expected))),
  ]);
  const resolver = options.outside[outsideViews.findIndex((view) => !("failed" in view))];
  const [{ zone, servers }, caa] = await Promise.all([
    resolver === undefined ? nowhere : lookAtZone(exchange, resolver, expected, options),
    resolver === undefined ? undefined : caaOf(exchange, resolver, expected, options),
  ]);
  return {
    ...(zone !== undefined && { zone }),
    apex: zone === expected.owner,
    servers,
    outside: outsideViews,
    ...(insideViews && { inside: insideViews }),
    ...(caa && { caa }),
  };
}

/** The zone that holds an owner, as its own servers have it. */
export interface ZoneLook {
  /** Absent where the resolver does not tell. */
  readonly zone?: string;
  readonly servers: readonly ServerView[];
}

const nowhere: ZoneLook = { servers: [] };

/** Zones that may hand the owner on to a deeper one before we stop. */
const deepest = 4;

/**
 * Looks at a record at all servers of its zone. The resolver only finds these: no question of it is followed to where the record leads, so
 * that it remembers nothing of what does not stand there yet (RFC 2308).
 */
export async function lookAtZone(
  exchange: Exchange,
  resolver: NameServer,
  expected: Expected,
  options: Pick<LookOptions, "port" | "addressFamilies">,
): Promise<ZoneLook> {
  try {
    let at = await zoneOf(exchange, resolver, expected.owner);
    for (let depth = 1; ; depth++) {
      const looks = await lookAtServers(exchange, at, expected, options);
      const deeper = looks.find(({ referral }) => referral !== undefined)?.referral;
      // The resolver did not say so: it could not reach the zone's servers, or a CNAME stands where none may.
      if (deeper === undefined || depth === deepest) return { zone: at.zone, servers: looks.map(({ view }) => view) };
      at = { zone: deeper.zone, servers: await serversBelow(exchange, resolver, deeper.servers) };
    }
  } catch (error) {
    if (error instanceof NoZone || error instanceof NoAnswer) return nowhere;
    throw error;
  }
}

/** What the resolver does not find, for it gets nothing from that zone, the referral may have told. */
async function serversBelow(exchange: Exchange, resolver: NameServer, told: readonly ZoneServer[]) {
  const names = told.map(({ name }) => name);
  const servers = await serversOf(exchange, resolver, names);
  const glue = new Map(told.map(({ name, addresses }) => [name, addresses]));
  return servers.map((server) =>
    server.addresses.length > 0 ? server : { ...server, addresses: glue.get(server.name) ?? [] },
  );
}

function lookAtServers(
  exchange: Exchange,
  { zone, servers }: Zone,
  expected: Expected,
  { port = 53, addressFamilies = ["ipv4", "ipv6"] }: Pick<LookOptions, "port" | "addressFamilies">,
): Promise<ServerLook[]> {
  return Promise.all(
    servers.flatMap(({ name, addresses }): (ServerLook | Promise<ServerLook>)[] => {
      if (addresses.length === 0) return [{ view: { name, failed: "no address" } }];
      return addresses
        .filter((address) => addressFamilies.includes(isIPv6(address) ? "ipv6" : "ipv4"))
        .map((address) => lookAtServer(exchange, { name, address, port }, zone, expected));
    }),
  );
}

function caaOf(exchange: Exchange, resolver: NameServer, { owner }: Expected, { ca }: LookOptions) {
  if (ca === undefined || !owner.startsWith(challengeLabel)) return undefined;
  const byResolver = (name: string) => tryToAsk(exchange, resolver, { name, type: "CAA" }, { recursive: true });
  return lookForCaa(byResolver, owner.slice(challengeLabel.length), ca);
}
