import { askingHolders } from "../dns/ask-holders.ts";
import { delegation } from "../dns/delegation.ts";
import { holds } from "../dns/evidence.ts";
import { type Exchange, type NameServer, NoAnswer } from "../dns/exchange.ts";
import { challengeLabel, type Expected } from "../dns/expected.ts";
import type { Finding } from "../dns/finding.ts";
import { familiesHere } from "../dns/here.ts";
import { lookAtZone, type ZoneLook } from "../dns/look.ts";
import { lookForCaa } from "../dns/look-caa.ts";
import { isWithin } from "../dns/names.ts";
import type { CertificateAuthority } from "../dns/observation.ts";
import { forbidding, judgeHeld } from "../dns/verdict.ts";
import { judgeCaa } from "../dns/verdict-caa.ts";
import { NoZone } from "../dns/zone.ts";
import { Failure } from "../failure.ts";
import type { Say } from "../host/host.ts";
import { authoritiesOf } from "../zones/authorities.ts";

/** By whom DNS is looked at before an authority is asked for anything. */
export interface Looking {
  /** From this machine. */
  readonly exchange: Exchange;
  /** Resolvers that see what the world sees: they follow the customer's CNAMEs, and tell who serves a zone. */
  readonly resolvers: readonly NameServer[];
  /** The zone that we write to. No resolver is asked for a name in it: what does not stand there yet, it would remember (RFC 2308). */
  readonly zone: string;
  readonly say: Say;
}

/**
 * Where the challenges of some names lead, within the zone that we write to (DNS-5), by challenge name. The record itself is looked at on every
 * name server of its zone, for an authority may ask any of them; where none of these can be asked from here, what a resolver says is enough.
 *
 * @param what Is not done where a record is not right: `did not ask ca.vendor.dk for a certificate for os2mo.kommune.dk`.
 * @throws Failure that names the servers, and what to do
 */
export async function challengesOf(
  looking: Looking,
  names: readonly string[],
  what: string,
): Promise<Map<string, string>> {
  const { exchange, resolvers, zone } = looking;
  const delegated = new Map<string, string>();
  const expected: Expected[] = [];
  for (const name of names) {
    const owner = `${challengeLabel}${name}`;
    try {
      const chain = await delegation(exchange, resolvers, owner, zone);
      delegated.set(owner, chain.at(-1) ?? owner);
      const [, target] = chain;
      // A challenge that lies in our own zone has no record of a customer's.
      if (target !== undefined) expected.push({ owner, target, purpose: "challenge" });
    } catch (error) {
      // The resolver may have asked the one server that lacks it.
      const found = await wrongAt(looking, { owner, target: `${owner}.${zone}`, purpose: "challenge" });
      if (error instanceof Failure && found.some(({ kind }) => kind === "partial")) throw refused(what, found);
      throw error;
    }
  }
  const found = await Promise.all(expected.map((one) => wrongAt(looking, one)));
  if (found.flat().length > 0) throw refused(what, found.flat());
  return delegated;
}

/** What is wrong with a record at the servers of its zone; nothing where none of them can be asked from here. */
async function wrongAt(looking: Looking, expected: Expected): Promise<Finding[]> {
  const { zone, servers } = await heldBy(looking, expected);
  if (!servers.some(holds)) {
    const which = zone === undefined ? "the name servers" : `the name servers of ${zone}`;
    looking.say("info", `${which} cannot be asked for ${expected.owner} from here: what a resolver says of it counts`);
    return [];
  }
  const seen = { ...(zone === undefined ? {} : { zone }), apex: zone === expected.owner, servers, outside: [] };
  return forbidding(judgeHeld(expected, seen));
}

async function heldBy({ exchange, resolvers }: Looking, expected: Expected): Promise<ZoneLook> {
  const addressFamilies = await familiesHere(resolvers);
  for (const resolver of resolvers) {
    const look = await lookAtZone(exchange, resolver, expected, { addressFamilies });
    if (look.zone !== undefined) return look;
  }
  return { servers: [] };
}

/**
 * What keeps an authority from issuing for some names by CAA records (RFC 8659, RFC 8657), which the servers of the zones are asked for; nothing
 * where the authority does not say by what it is named there, and where no server can be asked from here.
 */
export async function caaAgainst(
  { exchange, resolvers, zone, say }: Looking,
  names: readonly string[],
  ca: CertificateAuthority,
): Promise<Finding[]> {
  if (ca.domains.length === 0) return [];
  const ask = askingHolders(exchange, async (name) => {
    try {
      return (await authoritiesOf({ exchange, resolvers }, isWithin(name, zone) ? zone : name)).asked;
    } catch (error) {
      if (error instanceof NoZone || error instanceof NoAnswer) return [];
      throw error;
    }
  });
  const views = await Promise.all(names.map((host) => lookForCaa((name) => ask({ name, type: "CAA" }), host, ca)));
  return views.flatMap((caa) => {
    if (caa.failed?.why === "no answer") {
      say("info", `CAA records at ${caa.failed.name} cannot be asked for from here, and are not looked at`);
      return [];
    }
    return forbidding(judgeCaa({ caa, apex: false, servers: [], outside: [] }));
  });
}

/** The authority is not asked, for what it would look for is not right. */
export function refused(what: string, findings: readonly Finding[]): Failure {
  const lines = (of: "said" | "remedy") => [...new Set(findings.map((finding) => finding[of]))];
  const more = "`npm run verify -- dns STACK` looks again, at the host's own record too.";
  return new Failure({ what, why: lines("said").join("\n"), remedy: [...lines("remedy"), more].join("\n") });
}
