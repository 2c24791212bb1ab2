import { domain } from "./address-plan.ts";
import {
  anchorFile,
  authorityName,
  configurationFolder,
  controlKeyFile,
  controlPort,
  customerZone,
  dataFolder,
  keyFolder,
  type NameServer,
  nameOf,
  nameServers,
  type Placement,
  type Resolver,
  type Secondary,
  type ServedZone,
  serversOf,
  type TsigKey,
  unsignedFolder,
  vendorDomain,
  vendorZone,
  type ZoneServer,
  zoneFile,
  zonesOf,
} from "./names-plan.ts";
import type { Addresses } from "./status.ts";

/** A key as named.conf(5) has it. */
export function keyLine({ name, algorithm, secret }: TsigKey): string {
  return `key "${name}" { algorithm ${algorithm}; secret "${secret}"; };`;
}

/** What is wrong on purpose, as far as configurations show it. */
export interface Faults {
  /** They are refused what is new. */
  readonly stale: ReadonlySet<Secondary>;
  /** They know nothing of their zones. */
  readonly lame: ReadonlySet<Secondary>;
}

const noFaults: Faults = { stale: new Set(), lame: new Set() };

/** A server's named.conf(5). */
export function configuration(server: NameServer, placement: Placement, faults: Faults = noFaults): string {
  const own = placement.servers[server];
  const lines = [
    ...[placement.control, ...(server === "vendor1" ? Object.values(placement.keys) : [])].map(keyLine),
    `controls { inet 127.0.0.1 port ${controlPort(server)} allow { 127.0.0.1; } keys { "${placement.control.name}"; }; };`,
    "options {",
    `  directory "${dataFolder(server)}"; key-directory "${keyFolder}";`,
    "  pid-file none; session-keyfile none; lock-file none;",
    `  listen-on { ${own.v4}; }; listen-on-v6 { ${own.v6}; };`,
    // They share a machine: without a source, what one asks the other would come from the other's own address.
    `  query-source address ${own.v4}; query-source-v6 address ${own.v6};`,
    `  transfer-source ${own.v4}; notify-source ${own.v4};`,
    "  allow-query { any; }; allow-transfer { none; }; notify explicit; notify-delay 0;",
    // At the default rate the second one comes half a second after the first.
    "  notify-rate 1000; startup-notify-rate 1000; serial-query-rate 1000;",
    "  empty-zones-enable no; max-cache-size 16m; trust-anchor-telemetry no;",
    ...(isResolver(server) ? resolverOptions(server) : ["  recursion no; dnssec-validation no;"]),
    "};",
    ...(isResolver(server)
      ? resolverZones(server)
      : zonesOf(server).flatMap((served) => zoneLines(server, served, placement, faults))),
  ];
  return `${lines.join("\n")}\n`;
}

const isResolver = (server: NameServer): server is Resolver => server === "outside" || server === "inside";

/** Only the outside resolver validates: a customer's own seldom do. */
function resolverOptions(server: Resolver): string[] {
  return [
    "  recursion yes; allow-recursion { any; }; max-ncache-ttl 1; servfail-ttl 0;",
    `  dnssec-validation ${server === "outside" ? "yes" : "no"};`,
  ];
}

function resolverZones(server: Resolver): string[] {
  const hint = `zone "." { type hint; file "${zoneFile(".")}"; };`;
  if (server === "outside") return [`include "${anchorFile}";`, hint];
  return [hint, `zone "${customerZone}" { type primary; file "${zoneFile(customerZone)}"; };`];
}

function zoneLines(
  server: ZoneServer,
  { zone, primary, secondaries }: ServedZone,
  placement: Placement,
  { stale, lame }: Faults,
): string[] {
  const list = (names: readonly ZoneServer[]) => names.map((name) => `${placement.servers[name].v4}; `).join("");
  if (lame.has(server as Secondary)) return [];
  const file = `file "${zoneFile(zone)}";`;
  if (server !== primary) return [`zone "${zone}" { type secondary; ${file} primaries { ${list([primary])}}; };`];
  const fresh = secondaries.filter((name) => !stale.has(name));
  return [
    `zone "${zone}" {`,
    `  type primary; ${file}`,
    ...(secondaries.length > 0 ? [`  also-notify { ${list(secondaries)}};`] : []),
    ...(fresh.length > 0 ? [`  allow-transfer { ${list(fresh)}};`] : []),
    ...(zone === vendorZone ? ["  update-policy {", ...grants(placement).map((line) => `    ${line}`), "  };"] : []),
    "};",
  ];
}

/** What the keys may write. named has no rule for a first label, so each challenge is named. */
function grants({ keys, hosts }: Placement): string[] {
  return [
    ...[keys.challenges, keys.records].flatMap((key) =>
      hosts.map((host) => `grant ${key.name} name _acme-challenge.${host}.${vendorZone}. TXT;`),
    ),
    `grant ${keys.records.name} zonesub A AAAA CNAME;`,
  ];
}

/** A zone: what it always has, then the given records, whose names are relative to it; they live for a second unless they say else. */
export function zoneText(
  zone: string,
  serial: number | string,
  servers: Placement["servers"],
  records: readonly string[],
): string {
  const origin = zone === "." ? "." : `${zone}.`;
  const mine = serversOf(zone);
  const first = nameOf[mine[0] ?? "root"];
  return [
    `$ORIGIN ${origin}`,
    "$TTL 1",
    `@ SOA ${first} hostmaster.${first} ${serial} 3600 600 1209600 1`,
    ...delegation(zone, servers),
    ...records,
    "",
  ].join("\n");
}

/** A zone's name servers, with the addresses of those whose names are in it: at its top, and in its parent. */
function delegation(zone: string, servers: Placement["servers"]): string[] {
  const origin = zone === "." ? "." : `${zone}.`;
  const mine = serversOf(zone);
  return [
    ...mine.map((server) => `${origin} NS ${nameOf[server]}`),
    ...mine
      .filter((server) => nameOf[server].endsWith(zone === "." ? "." : `.${origin}`))
      .flatMap((server) => addressLines(nameOf[server], servers[server])),
  ];
}

const addressLines = (name: string, { v4, v6 }: Addresses) => [`${name} A ${v4}`, `${name} AAAA ${v6}`];

/** What a zone has to begin with beside its own name servers: its delegations. Their DS records come with the signatures. */
export function firstRecords(
  zone: string,
  { servers, lab, authority }: Pick<Placement, "servers" | "lab" | "authority">,
): string[] {
  switch (zone) {
    case ".":
      return delegation("test", servers);
    case "test":
      return [
        ...delegation(customerZone, servers),
        ...delegation(vendorDomain, servers),
        `${domain}. NS vendor.${domain}.`,
        ...addressLines(`vendor.${domain}.`, lab),
      ];
    case vendorDomain:
      return [...delegation(vendorZone, servers), ...addressLines(`${authorityName}.`, authority)];
    default:
      return [];
  }
}

/** Where a resolver begins to ask. */
export function hints({ root }: Placement["servers"]): string {
  return [`. 3600000 NS ${nameOf.root}`, ...addressLines(`${nameOf.root} 3600000`, root), ""].join("\n");
}

/** A drop-in of the machine's network file that gives it the addresses when it boots. It speaks for itself with its own, as ever. */
export function addressFile(addresses: readonly Addresses[]): string {
  const sections = addresses.flatMap(({ v4, v6 }) => [
    "[Address]",
    `Address=${v4}/32`,
    "[Address]",
    `Address=${v6}/128`,
    "PreferredLifetime=0",
    "DuplicateAddressDetection=none",
  ]);
  return `${sections.join("\n")}\n`;
}

/** The same for now, as input for `ip -batch`: told to read that file, networkd would take the machine's own address for a moment. */
export function addressBatch(addresses: readonly Addresses[]): string {
  const lines = addresses.flatMap(({ v4, v6 }) => [
    `addr replace ${v4}/32 dev host0`,
    `addr replace ${v6}/128 dev host0 nodad preferred_lft 0`,
  ]);
  return `${lines.join("\n")}\n`;
}

/** The unit of each server, named by the server. */
export const unitFile = `[Unit]
Description=Name server %i
After=network.target
[Service]
Type=notify
ExecStart=/usr/sbin/named -f -u bind -n 1 -c ${configurationFolder}/%i.conf
Restart=on-failure
[Install]
WantedBy=multi-user.target
`;

/** Dates for signatures that nobody accepts any more. */
export const expired = "-P -s 20200101000000 -e 20200201000000";

/** The unit of a server. */
export const unit = (server: NameServer) => `names@${server}.service`;
/** The words before a command to a server. */
export const rndc = (server: NameServer) => `rndc -k ${controlKeyFile} -s 127.0.0.1 -p ${controlPort(server)}`;

/** Beginning of a script that runs on the vendor's host, with what such scripts have in common. */
export const functions = `
cd ${unsignedFolder}
# sign ZONE FROM TO [OPTION ...]; the DS records stay in this folder, for the parent
sign() {
  zone=$1 from=$2 to=$3; shift 3
  dnssec-signzone -q -z -S -g -K ${keyFolder} -o "$zone" -f "$to.new" "$@" "$from" >&2
  chown bind:bind "$to.new"
  mv "$to.new" "$to"
}
# serial ZONE ADDRESS
serial() {
  dig +short +norecurse +tries=1 +timeout=1 SOA "$1" "@$2" | cut -d' ' -f3 | grep '^[0-9][0-9]*$' || echo 0
}
# transfer ZONE: every server that has it from another asks for it now
transfer() {
${nameServers.map((server) => `  ${rndc(server)} retransfer "$1" >/dev/null 2>&1 || true`).join("\n")}
}
# wait_for ZONE SERIAL ADDRESS ...
wait_for() {
  zone=$1 wanted=$2; shift 2
  for address; do
    tries=0
    until [ "$(serial "$zone" "$address")" -ge "$wanted" ]; do
      tries=$((tries + 1))
      # One whose first try came before its primary was there tries again after minutes.
      [ $((tries % 40)) -ne 0 ] || transfer "$zone"
      [ $tries -lt 300 ] || { echo "$address does not get $zone with serial $wanted" >&2; exit 1; }
      sleep 0.05
    done
  done
}
`;

/** nftables rules that drop all that is sent to the addresses: a host that is gone, where a stopped server still refuses. */
export function silenceRules(silent: readonly Addresses[]): string {
  const drops = silent.flatMap(({ v4, v6 }) => [`    ip daddr ${v4} drop`, `    ip6 daddr ${v6} drop`]);
  return `table inet silent_names
delete table inet silent_names
table inet silent_names {
  chain input {
    type filter hook input priority -300;
${drops.join("\n")}
  }
}
`;
}

/** A machine's resolv.conf(5), as the lab writes it. */
export function resolverFile({ v4, v6 }: Addresses): string {
  return [`nameserver ${v4}`, `nameserver ${v6}`, `search ${domain}`, "options timeout:1 attempts:2", ""].join("\n");
}
