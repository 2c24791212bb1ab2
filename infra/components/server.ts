import { remote, type types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { DnsRecords } from "../provider/resources/dns-records.ts";
import { Facts } from "../provider/resources/facts.ts";
import { Provider } from "../provider/resources/provider.ts";
import { masterEntry } from "../settings/firewall.ts";
import { type CustomerRecord, customerRecords, type VendorRecord, vendorRecords } from "../settings/records.ts";
import { customerAddress } from "../settings/server-address.ts";
import { isInTunnel, vpnName, vpnRanges } from "../settings/vpn.ts";
import type { Settings } from "../settings.ts";
import { Baseline } from "./baseline.ts";
import { Firewall, type FirewallArgs, firewallRules } from "./firewall.ts";
import { Https, type Served } from "./https.ts";
import { type Managed, Management } from "./management.ts";
import { required } from "./required.ts";
import { verificationText } from "./verification.ts";
import { type Tunnel, tunnelInterface, Vpn } from "./vpn.ts";

/** One of a customer's servers. */
export interface ServerArgs {
  /** The settings of its stack. */
  settings: Settings;
  /** How actions log in to it. */
  actions: pulumi.Input<types.input.remote.ConnectionArgs>;
  /** How actions log in to the Salt master, where its login is known. */
  masterActions?: pulumi.Input<types.input.remote.ConnectionArgs>;
}

/** Who may open connections to which ports. */
export interface Opening {
  /** TCP ports. */
  ports: readonly number[];
  /** Ranges in CIDR notation. */
  from: readonly string[];
}

/** What the server itself may open connections to. */
export interface OpenOutward {
  /** Name of the entry: `salt` for the connection to the vendor, else one of the settings. */
  readonly name: string;
  readonly protocol: "tcp" | "udp";
  /** Ports at the destination. */
  readonly ports: readonly number[];
  /** Ranges in CIDR notation. */
  readonly to: readonly string[];
}

/**
 * One server, from bare to verified: it is looked at first, and nothing is touched unless it has what it must (SRV-3 to
 * SRV-6); then come the baseline and the firewall; and what the server itself says of the result comes last.
 *
 * @example
 * const server = new Server("server", { settings, actions: { host: settings.server.host, … } });
 * export const verification = server.verification;
 */
export class Server extends pulumi.ComponentResource {
  /** Name and release of the operating system. */
  readonly os: pulumi.Output<string>;
  /** Cores, memory and disk, for people to read. */
  readonly size: pulumi.Output<string>;
  /** What is open to whom (NET-1); everything else is closed. */
  readonly open: readonly Opening[];
  /** What the server may reach (NET-2, Q-SRV-3); everything else is closed. */
  readonly openOutward: readonly OpenOutward[];
  /** The records that its name needs, whose they are, and what each is for (DNS-3, Q-SRV-12). */
  readonly records: { readonly customer: readonly CustomerRecord[]; readonly vendor: readonly VendorRecord[] };
  /** The tunnel to the vendor's hub, where there is one (ACC-4). */
  readonly tunnel: Tunnel | undefined;
  /** The connection to the vendor's Salt master, where there is one (ACC-3). */
  readonly managed: Managed | undefined;
  /** HTTPS and its certificate, where there is one (DNS-1). */
  readonly https: Served | undefined;
  /** What the server answered when it was verified last: a line for each check. */
  readonly verification: pulumi.Output<string>;

  constructor(name: string, args: ServerArgs, options: pulumi.ComponentResourceOptions = {}) {
    super("os2mo:server:Server", name, {}, options);
    const { settings } = args;
    const provider = createProvider(name, settings, this);
    const onServer = { parent: this, provider };
    const preflight = createPreflight(name, settings, onServer);
    const baseline = createBaseline(name, settings, preflight, { ...onServer, dependsOn: preflight });
    const firewall = createFirewall(name, settings, { ...onServer, dependsOn: [preflight, baseline] });
    // After the firewall, which lets the tunnel out.
    const vpn = createVpn(name, settings, preflight, { ...onServer, dependsOn: [preflight, baseline, firewall] });
    const management = createManagement(name, args, { ...onServer, dependsOn: [preflight, baseline, firewall] });
    const verification = createVerification(name, args, preflight, { parent: this, dependsOn: [baseline, firewall] });
    // Last: what the customer has not done yet ends a run where HTTPS is asked for, and must hold up nothing else.
    const before = [
      preflight,
      baseline,
      firewall,
      verification,
      ...[vpn, management].filter((one) => one !== undefined),
    ];
    const looked = createRecords(name, settings, { ...onServer, dependsOn: before });
    const https = createHttps(name, settings, preflight, { ...onServer, dependsOn: [...before, ...looked] });

    this.os = preflight.os.prettyName;
    this.size = pulumi.all([preflight.cores, preflight.memory, preflight.disk]).apply(sizeText);
    this.open = openings(settings);
    this.openOutward = outwardOpenings(settings);
    this.records = { customer: customerRecords(settings), vendor: vendorRecords(settings) };
    this.tunnel = vpn?.tunnel;
    this.managed = management?.managed;
    this.https = https?.served;
    this.verification = verification.stdout;
    const { os, size, open, openOutward, records, tunnel, managed } = this;
    this.registerOutputs({
      os,
      size,
      open,
      openOutward,
      records,
      tunnel,
      managed,
      https: this.https,
      verification: this.verification,
    });
  }
}

function createProvider(name: string, { server, vpn }: Settings, parent: pulumi.Resource): Provider {
  const { hostname, address: _, ...way } = server;
  const ranges = [...vpnRanges(vpn)];
  const reached =
    ranges.length === 0
      ? {}
      : { vpn: { name: vpnName(vpn), ranges, ...(vpn.wireguard === undefined ? {} : { dialIn: false }) } };
  return new Provider(name, { ...way, ...reached, label: hostname }, { parent });
}

function createPreflight(name: string, { requirements }: Settings, options: pulumi.CustomResourceOptions): Facts {
  return new Facts(`${name}-preflight`, { require: required(requirements) }, options);
}

function createBaseline(
  name: string,
  settings: Settings,
  facts: Facts,
  options: pulumi.ComponentResourceOptions,
): Baseline {
  const { administrator, time, updates, journal, server } = settings;
  // The tunnel comes and goes with its own unit.
  const interfaces = facts.addresses.apply((addresses) =>
    Object.keys(addresses)
      .filter((name) => name !== tunnelInterface)
      .sort(),
  );
  const args = {
    administrator,
    time,
    updates,
    journal,
    interfaces,
    hostname: server.hostname,
    login: server.user,
    hostKey: server.hostKey,
  };
  return new Baseline(`${name}-baseline`, args, options);
}

function createFirewall(name: string, { firewall }: Settings, options: pulumi.ComponentResourceOptions): Firewall {
  return new Firewall(`${name}-firewall`, firewallArgs(firewall), options);
}

function firewallArgs({ egress, ...ranges }: Settings["firewall"]): FirewallArgs {
  return { ...ranges, additionalEgress: egress };
}

/** The customer's two records, looked at and never changed (DNS-3). */
function createRecords(name: string, settings: Settings, options: pulumi.CustomResourceOptions): DnsRecords[] {
  const { verify, resolvers, issuers } = settings.dns;
  const { acme } = settings.https;
  // Without them no authority could be answered.
  const require = acme !== undefined;
  if (!verify && !require) return [];
  const records = Object.fromEntries(customerRecords(settings).map(({ owner, target }) => [owner, target]));
  const authority = acme === undefined ? {} : { directory: acme.directory };
  const args = { records, resolvers, issuers: [...issuers], require, ...authority };
  return [new DnsRecords(`${name}-records`, args, options)];
}

function createHttps(
  name: string,
  settings: Settings,
  { os }: Facts,
  options: pulumi.ComponentResourceOptions,
): Https | undefined {
  const { https, dns, server, vpn, customer, environment } = settings;
  const address = customerAddress(server, vpn);
  if (https.acme === undefined || dns.zone === undefined || address === undefined) return undefined;
  const [{ target }] = customerRecords(settings);
  const { hostname } = server;
  const { zone, adopt, resolvers } = dns;
  const args = {
    acme: https.acme,
    zone,
    adopt,
    resolvers,
    hostname,
    target,
    address,
    os,
    customer: customer.name,
    environment,
  };
  return new Https(`${name}-https`, args, options);
}

function createVpn(
  name: string,
  { vpn, server }: Settings,
  facts: Facts,
  options: pulumi.ComponentResourceOptions,
): Vpn | undefined {
  const { wireguard: tunnel } = vpn;
  if (tunnel === undefined) return undefined;
  return new Vpn(
    `${name}-vpn`,
    { tunnel, hostname: server.hostname, facts, reachedThrough: isInTunnel(server.host, tunnel) },
    options,
  );
}

function createManagement(
  name: string,
  { settings, masterActions }: ServerArgs,
  options: pulumi.ComponentResourceOptions,
): Management | undefined {
  const { salt } = settings.management;
  if (salt === undefined) return undefined;
  const grains = { customer: settings.customer.name, environment: settings.environment, role: "os2mo" };
  const actions = masterActions === undefined ? {} : { actions: masterActions };
  return new Management(`${name}-management`, { salt, grains, ...actions }, options);
}

/** Done again whenever a setting changes that it looks at, and on a server that was installed anew. */
function createVerification(
  name: string,
  { settings, actions }: ServerArgs,
  preflight: Facts,
  options: pulumi.CustomResourceOptions,
): remote.Command {
  const { time, updates, journal, firewall } = settings;
  const looked = [time, updates, journal, firewall].map((setting) => JSON.stringify(setting));
  const triggers = [preflight.machineId, ...looked];
  const args = { connection: actions, create: verificationText(), triggers };
  return new remote.Command(`${name}-verification`, args, options);
}

/** `4 cores, 16 GiB of memory, disk of 64 GB`; rounded down, so that nothing looks larger than it is. */
export function sizeText([cores, memory, disk]: [
  number,
  { bytes: number },
  { bytes: number; source: string },
]): string {
  const what = disk.source === "file system" ? "file system" : "disk";
  const memoryGiB = Math.floor((memory.bytes / 2 ** 30) * 10) / 10;
  return `${cores} cores, ${memoryGiB} GiB of memory, ${what} of ${Math.floor(disk.bytes / 1e9)} GB`;
}

/** What the firewall opens, and to whom (NET-1, Q-SRV-5). */
export function openings({ firewall }: Pick<Settings, "firewall">): Opening[] {
  return [
    { ports: [22], from: firewall.management },
    { ports: [80, 443], from: firewall.internal },
  ];
}

/** What the firewall lets out, and where to: the connection to the vendor first, then by name (NET-2, Q-SRV-3). */
export function outwardOpenings({ firewall }: Pick<Settings, "firewall">): OpenOutward[] {
  const { outbound } = firewallRules(firewallArgs(firewall));
  const rank = (name: string) => (name === masterEntry ? "" : name);
  return Object.entries(outbound)
    .map(([name, { protocol, ports, to }]) => ({ name, protocol, ports, to }))
    .sort((a, b) => (rank(a.name) < rank(b.name) ? -1 : 1));
}
