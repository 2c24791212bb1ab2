import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { exchangeFromHere } from "../dns/exchange.ts";
import { resolversOutside } from "../dns/here.ts";
import { byFields } from "../fields.ts";
import type { Say } from "../host/host.ts";
import type { Kind } from "../kind.ts";
import { ipAddress, shortAddress } from "../ranges.ts";
import { asSecret, HostResource, type Inputs } from "../resource.ts";
import { act, type Step } from "../step.ts";
import { absoluteName, zoneSettings } from "../zones/settings.ts";
import { type VendorZone, vendorZone, type ZoneSettings } from "../zones/zone.ts";

/** The addresses of a host in the vendor's zone. */
export interface HostRecordArgs {
  /** An absolute name in the zone, in lower case, without the closing dot. Changing it replaces the record. */
  name: string;
  /** IPv4 and IPv6 addresses: exactly these stand there. */
  addresses: string[];
  /** Who keeps the zone, and by what right it is written to. As a whole a secret. */
  zone: ZoneSettings;
  /**
   * Addresses of resolvers that see what the world sees, for a zone that is edited by hand; none: those of the machine where the run is.
   * @default []
   */
  resolvers?: string[];
  /**
   * Take over a name that leads elsewhere already. Where it led is put back on removal.
   * @default false
   */
  adopt?: boolean;
}

type HostRecordWant = Required<HostRecordArgs>;

/** What stands at the name. */
export interface HostRecordSeen {
  name: string;
  /** Sorted. */
  addresses: string[];
  /** As it was asked for: removal has nothing else. */
  zone: ZoneSettings;
  resolvers: string[];
}

/** Where the name led before us; removal puts it back. */
interface HostRecordMemory {
  before: string[];
}

const fields = {
  name: absoluteName,
  addresses: z
    .array(ipAddress)
    .min(1, "must hold an address")
    .transform((addresses) => [...new Set(addresses.map(shortAddress))].sort()),
  zone: zoneSettings,
  resolvers: z.array(ipAddress).default([]),
  adopt: z.boolean().default(false),
};

/**
 * Address records in the vendor's zone, to which a customer's host record points (DNS-4). They are set from where the run is, by
 * RFC 2136, at Cloudflare, or by somebody who is told. With other settings of the zone the record is made there; one that
 * stands where it was kept before stays.
 *
 * @example
 * new HostRecord("address", {
 *   name: "os2mo.kommune.dk.os2mo-on-prem.magentahosted.dk",
 *   addresses: ["10.20.0.13"],
 *   zone: {
 *     kind: "rfc2136",
 *     zone: "os2mo-on-prem.magentahosted.dk",
 *     server: "192.0.2.53",
 *     key: { name: "os2mo", algorithm: "hmac-sha256", secret: config.requireSecret("dnsKey") },
 *   },
 * });
 *
 * @example
 * new HostRecord("address", {
 *   name: "os2mo.kommune.dk.os2mo-on-prem.magentahosted.dk",
 *   addresses: ["10.20.0.13", "fd00:20::13"],
 *   zone: { kind: "cloudflare", zone: "magentahosted.dk", token: config.requireSecret("cloudflareToken") },
 *   adopt: true,
 * });
 *
 * @importId the name; what the world sees there is read, for an id holds no key of a zone.
 */
export class HostRecord extends HostResource<HostRecordArgs> {
  declare readonly name: Output<string>;
  declare readonly addresses: Output<string[]>;

  constructor(name: string, args: Inputs<HostRecordArgs>, options?: CustomResourceOptions) {
    super(hostRecord.type, name, { ...args, zone: asSecret(args.zone) }, [], options);
  }
}

/** The lifecycle of `HostRecord`. Its steps are done from here, and not on the host. */
export const hostRecord: Kind<HostRecordWant, HostRecordSeen, HostRecordMemory> = {
  type: "onprem:dns:HostRecord",
  elsewhere: true,
  summary: "The addresses of a host in the vendor's zone.",
  fields,
  identity: ["name"],
  confidential: ["zone"],
  check: byFields<HostRecordWant>(fields, ({ name, zone }, problems) => {
    if (name === undefined || zone === undefined || name.endsWith(`.${zone.zone}`)) return;
    problems.add("name", `must lie in the zone; given: ${name}`);
  }),
  named: (id) => (absoluteName.safeParse(id).success ? { name: id } : undefined),

  async observe(_, { name = "", zone: given, resolvers = [] }) {
    // An import knows no key: it sees what anybody sees.
    const zone: ZoneSettings = given ?? { kind: "manual", zone: name.slice(name.indexOf(".") + 1) };
    const addresses = await reach({ zone, resolvers }, () => undefined).addresses(name);
    return addresses.length === 0 ? undefined : { name, addresses: [...addresses], zone, resolvers };
  },

  plan({ name, addresses, zone, resolvers }, seen) {
    return seen?.addresses.join() === addresses.join() ? [] : [set(name, addresses, { zone, resolvers })];
  },

  remove({ name, addresses, zone, resolvers }, memory) {
    const before = memory?.before ?? [];
    return addresses.join() === before.join() ? [] : [set(name, before, { zone, resolvers })];
  },

  refuse({ name, addresses, adopt }, seen, ours) {
    // What lacks some of ours, and has no other, an interrupted run of ours may have left.
    const foreign = seen?.addresses.filter((address) => !addresses.includes(address)) ?? [];
    if (ours || adopt || foreign.length === 0) return undefined;
    return {
      why: `${name} leads to ${foreign.join(" and ")} already, and was not made by this program`,
      remedy:
        "Set `adopt: true` (`dns.adopt` of a stack) to take it over, and where it led is put back on removal; or remove it from the zone.",
    };
  },

  remember: (want, seen, memory) =>
    memory ?? { before: seen !== undefined && hostRecord.plan(want, seen).length > 0 ? seen.addresses : [] },
};

type Way = Pick<HostRecordWant, "zone" | "resolvers">;

function set(name: string, addresses: readonly string[], way: Way): Step {
  const title = `${addresses.length === 0 ? "remove" : "set"} the addresses of ${name}`;
  return act(title, ({ say, signal }) => reach(way, say, signal).setAddresses(name, addresses), {
    property: "addresses",
  });
}

function reach({ zone, resolvers }: Way, say: Say, signal?: AbortSignal): VendorZone {
  const context = { exchange: exchangeFromHere, resolvers: resolversOutside(resolvers), say };
  return vendorZone(zone, { ...context, ...(signal && { signal }) });
}
