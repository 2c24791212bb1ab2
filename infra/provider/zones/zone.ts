import type { Exchange, NameServer } from "../dns/exchange.ts";
import { canBeAsked, isWithin, plain } from "../dns/names.ts";
import { Failure } from "../failure.ts";
import type { Say } from "../host/host.ts";
import { shortAddress } from "../ranges.ts";
import { CloudflareZone } from "./cloudflare.ts";
import { ManualZone } from "./manual.ts";
import { Rfc2136Zone } from "./rfc2136.ts";
import { stoppable } from "./stoppable.ts";

/**
 * A zone of the vendor's: what the customers' records point to (DNS-4, DNS-5). Names are absolute, with or without the closing
 * dot. Every method rejects with a `Failure` that holds no secret.
 */
export interface VendorZone {
  /** For messages: `RFC 2136 at 10.0.0.53 (zone x.dk)`. Never a secret. */
  readonly title: string;
  /** Adds a TXT value at an absolute name, beside the values that are there (two orders may run at once). Idempotent. */
  present(name: string, value: string): Promise<void>;
  /**
   * Until EVERY authoritative server of the zone answers with the value (asked directly, recursion off). Rejects with a Failure
   * that names the servers that lack it, after `patience` seconds.
   */
  wait(name: string, value: string): Promise<void>;
  /** Takes exactly this value away, others stay. Idempotent; absent is no error. No signal stops it: what was begun is cleaned. */
  cleanUp(name: string, value: string): Promise<void>;
  /** The TXT values there now, as the back end itself has them. */
  values(name: string): Promise<readonly string[]>;
  /** The address records of a host: exactly these A and AAAA stand there afterwards; empty: none. */
  setAddresses(name: string, addresses: readonly string[]): Promise<void>;
  /** The addresses there now, as the back end itself has them: sorted, IPv6 in its shortest form. */
  addresses(name: string): Promise<readonly string[]>;
}

/** Who keeps the zone, and by what right it is written to. */
export type ZoneSettings = Rfc2136Settings | CloudflareSettings | ManualSettings;

/** A zone that its primary name server lets us update (RFC 2136), signed with a shared key (TSIG, RFC 8945). */
export interface Rfc2136Settings {
  /** Says which of the three it is. */
  kind: "rfc2136";
  /** The zone's top: `os2mo-on-prem.magentahosted.dk`. */
  zone: string;
  /** Name or IP address of the primary name server. */
  server: string;
  /**
   * Its port, by TCP and UDP.
   * @default 53
   */
  port?: number;
  /** The key that the server knows by the same name. */
  key: KeySettings;
}

/** A key for requests to a name server. */
export interface KeySettings {
  /** As the server's configuration has it. */
  name: string;
  /** As the server's configuration has it. */
  algorithm: "hmac-sha256" | "hmac-sha512";
  /** The key itself in Base64. Always a secret. */
  secret: string;
}

/** A zone at Cloudflare, written to by its API. */
export interface CloudflareSettings {
  /** Says which of the three it is. */
  kind: "cloudflare";
  /** The zone, or a name in it. */
  zone: string;
  /** An API token with the permissions Zone.Zone Read and Zone.DNS Edit on this one zone. Always a secret. */
  token: string;
  /**
   * Where the API is; another only in tests.
   * @default "https://api.cloudflare.com/client/v4"
   */
  api?: string;
}

/** A zone that somebody edits by hand: says what must be set, waits, and verifies. */
export interface ManualSettings {
  /** Says which of the three it is. */
  kind: "manual";
  /** The zone, or a name in it. */
  zone: string;
}

/** What a zone is reached with. */
export interface ZoneContext {
  /** From this machine. */
  readonly exchange: Exchange;
  /** Resolvers that see what the world sees; the first that answers tells who serves the zone. */
  readonly resolvers: readonly NameServer[];
  readonly say: Say;
  /** Stops everything but the cleaning within a second, with `Cancelled`. */
  readonly signal?: AbortSignal;
  /**
   * Seconds that name servers, or a person, are waited for.
   * @default 300; 3600 for a zone that somebody edits by hand
   */
  readonly patience?: number;
  /**
   * Port of the zone's own servers; another only in tests.
   * @default 53
   */
  readonly port?: number;
}

/** The zone that some settings describe. Asks nobody yet. */
export function vendorZone(settings: ZoneSettings, { signal, ...context }: ZoneContext): VendorZone {
  const cleaning = backEnd(settings, context);
  if (signal === undefined) return ownNamesOnly(settings.zone, cleaning, cleaning);
  const exchange = stoppable(context.exchange, cleaning.title, signal);
  return ownNamesOnly(settings.zone, backEnd(settings, { ...context, signal, exchange }), cleaning);
}

function backEnd(settings: ZoneSettings, context: ZoneContext): VendorZone {
  switch (settings.kind) {
    case "rfc2136":
      return new Rfc2136Zone(settings, context);
    case "cloudflare":
      return new CloudflareZone(settings, context);
    case "manual":
      return new ManualZone(settings, context);
  }
}

/** Hands names and addresses on as they are compared, and only names that lie in the zone: a back end may have others within its reach. */
function ownNamesOnly(zone: string, to: VendorZone, cleaning: VendorZone): VendorZone {
  const inside = (name: string) => {
    const own = plain(name);
    if (isWithin(own, plain(zone)) && canBeAsked(own)) return own;
    throw new Failure({
      what: `will not touch ${name} at ${to.title}`,
      why: canBeAsked(own) ? `it does not lie in the zone ${zone}` : "it is no name that DNS can hold",
    });
  };
  return {
    title: to.title,
    present: async (name, value) => to.present(inside(name), value),
    wait: async (name, value) => to.wait(inside(name), value),
    cleanUp: async (name, value) => cleaning.cleanUp(inside(name), value),
    values: async (name) => to.values(inside(name)),
    setAddresses: async (name, addresses) =>
      to.setAddresses(inside(name), [...new Set(addresses.map(shortAddress))].sort()),
    addresses: async (name) => to.addresses(inside(name)),
  };
}
