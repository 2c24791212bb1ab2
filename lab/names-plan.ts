import type { AddressPlan } from "./address-plan.ts";
import type { Addresses } from "./status.ts";

/** Last parts of the name servers' addresses, all in the vendor's segment. */
const lastParts = {
  root: 201,
  outside: 205,
  inside: 206,
  ns1: 211,
  ns2: 212,
  ns3: 213,
  vendor1: 221,
  vendor2: 222,
} as const;

/**
 * A name server, each a process of its own: `root` has the root and `test`; `outside` and `inside` are resolvers, as the world has one
 * and the customer's network; `ns1` to `ns3` have the customer's zone, `vendor1` and `vendor2` the vendor's, the first one as primary.
 */
export type NameServer = keyof typeof lastParts;

/** A name server that asks others. */
export type Resolver = "outside" | "inside";

/** A name server that has zones, and answers for nothing else. */
export type ZoneServer = Exclude<NameServer, Resolver>;

/** A name server that gets its zones from another one. */
export type Secondary = "ns2" | "ns3" | "vendor2";

/** All of them, in the order in which they start. */
export const nameServers = Object.keys(lastParts) as readonly NameServer[];

/** The customer's zone. */
export const customerZone = "kommune.test";
/** The vendor's domain, which delegates the zone. */
export const vendorDomain = "vendor.test";
/** The vendor's zone, to which the customer's records point. */
export const vendorZone = `os2mo-on-prem.${vendorDomain}`;

/** Names of the servers that have zones, absolute. */
export const nameOf: Readonly<Record<ZoneServer, string>> = {
  root: "a.root.",
  ns1: `ns1.${customerZone}.`,
  ns2: `ns2.${customerZone}.`,
  ns3: `ns3.${customerZone}.`,
  vendor1: `ns1.${vendorDomain}.`,
  vendor2: `ns2.${vendorDomain}.`,
};

/** A zone and who has it. */
export interface ServedZone {
  readonly zone: string;
  readonly primary: ZoneServer;
  readonly secondaries: readonly Secondary[];
}

/** Which servers have which zone. Parents come after their children, so that they can be signed in this order. */
export const servedZones: readonly ServedZone[] = [
  { zone: customerZone, primary: "ns1", secondaries: ["ns2", "ns3"] },
  { zone: vendorZone, primary: "vendor1", secondaries: ["vendor2"] },
  { zone: vendorDomain, primary: "vendor1", secondaries: ["vendor2"] },
  { zone: "test", primary: "root", secondaries: [] },
  { zone: ".", primary: "root", secondaries: [] },
];

/** The zones of a server, as it has them when nothing is broken. */
export function zonesOf(server: ZoneServer): ServedZone[] {
  return servedZones.filter(({ zone }) => serversOf(zone).includes(server));
}

/** Servers of a zone, its primary first. */
export function serversOf(zone: string): ZoneServer[] {
  return servedZones
    .filter((served) => served.zone === zone)
    .flatMap(({ primary, secondaries }) => [primary, ...secondaries]);
}

/** The name servers' addresses in a lab. */
export function nameServerAddresses(plan: AddressPlan): Readonly<Record<NameServer, Addresses>> {
  return Object.fromEntries(nameServers.map((name) => [name, besideVendor(plan, lastParts[name])])) as Record<
    NameServer,
    Addresses
  >;
}

/** Name of the certificate authority (lab/pebble.ts), which has an address whether one is placed or not. */
export const authorityName = `ca.${vendorDomain}`;

/** The certificate authority's addresses in a lab. */
export const authorityAddresses = (plan: AddressPlan) => besideVendor(plan, 231);

/** Those of a test authority, which has no name in DNS. */
export const testAuthorityAddresses = (plan: AddressPlan) => besideVendor(plan, 232);

/** Addresses in the vendor's segment. */
function besideVendor({ places: { vendor } }: AddressPlan, last: number): Addresses {
  return { v4: vendor.v4.replace(/\d+$/, `${last}`), v6: vendor.v6.replace(/\d+$/, `${last}`) };
}

/** TCP port of 127.0.0.1 where rndc(8) commands a server. */
export const controlPort = (server: NameServer) => 9000 + lastParts[server];

/** Where configurations and keys are: AppArmor's profile of named, where a machine has it, allows no other places. */
export const configurationFolder = "/etc/bind/names";
/** Where the signing keys are. */
export const keyFolder = `${configurationFolder}/keys`;
/** A file with the trust anchor of the lab's root, which is known once it is signed. */
export const anchorFile = `${configurationFolder}/anchor.conf`;
/** The key that rndc(8) uses. */
export const controlKeyFile = `${configurationFolder}/rndc.key`;
/** Where everything else is. */
export const dataParent = "/var/cache/bind/names";
/** Folder of a server's own files. */
export const dataFolder = (server: NameServer) => `${dataParent}/${server}`;
/** Where zones are before they are signed. */
export const unsignedFolder = `${dataParent}/unsigned`;
/** Name of a zone's file in those. */
export const zoneFile = (zone: string) => `${zone === "." ? "root" : zone}.zone`;
/** A server's configuration file. */
export const configurationFile = (server: NameServer) => `${configurationFolder}/${server}.conf`;

/** A key for requests to a name server (RFC 8945). */
export interface TsigKey {
  readonly name: string;
  readonly algorithm: "hmac-sha256";
  /** Base64. */
  readonly secret: string;
}

/** What the configurations follow from. */
export interface Placement {
  readonly servers: Readonly<Record<NameServer, Addresses>>;
  /** The lab's own name server, which has `lab.test`. */
  readonly lab: Addresses;
  /** The certificate authority's. */
  readonly authority: Addresses;
  readonly keys: { readonly challenges: TsigKey; readonly records: TsigKey };
  /** Whole names of the servers whose challenges the keys may answer. */
  readonly hosts: readonly string[];
  /** What rndc(8) signs its commands with. */
  readonly control: TsigKey;
}
