import { expect, test } from "vitest";
import { planAddresses } from "../../lab/address-plan.ts";
import {
  addressBatch,
  addressFile,
  configuration,
  type Faults,
  firstRecords,
  hints,
  resolverFile,
  silenceRules,
  zoneText,
} from "../../lab/names-files.ts";
import {
  authorityAddresses,
  type NameServer,
  nameServerAddresses,
  nameServers,
  type Placement,
  type Secondary,
  servedZones,
  type TsigKey,
  zonesOf,
} from "../../lab/names-plan.ts";

const plan = planAddresses("198.18.8.0/24");
const servers = nameServerAddresses(plan);
const key = (name: string): TsigKey => ({ name, algorithm: "hmac-sha256", secret: `${name}==` });
const placement: Placement = {
  servers,
  lab: plan.places.vendor,
  authority: authorityAddresses(plan),
  keys: { challenges: key("challenges"), records: key("records") },
  hosts: ["os2mo.kommune.test", "os2mo-test.kommune.test"],
  control: key("rndc"),
};
/** A configuration without the lines that all have. */
const own = (server: NameServer, faults?: Faults) => {
  const lines = configuration(server, placement, faults).trimEnd().split("\n");
  return lines.slice(lines.indexOf("};") + 1);
};
const stale = (...names: Secondary[]): Faults => ({ stale: new Set(names), lame: new Set() });

test("name servers have addresses beside the vendor's host, each its own in both families", () => {
  expect(servers.root).toEqual({ v4: "198.18.8.201", v6: "2001:2:0:84::201" });
  expect(nameServers.map((name) => servers[name].v4.replace("198.18.8.", ""))).toEqual([
    "201",
    "205",
    "206",
    "211",
    "212",
    "213",
    "221",
    "222",
  ]);
  expect(nameServers.map((name) => servers[name].v6)).toEqual(
    nameServers.map((name) => servers[name].v4.replace("198.18.8.", "2001:2:0:84::")),
  );
});

test("a child zone is signed before its parent, which takes its DS record", () => {
  const names = servedZones.map(({ zone }) => zone);
  expect(names).toEqual(["kommune.test", "os2mo-on-prem.vendor.test", "vendor.test", "test", "."]);
  expect(zonesOf("vendor2").map(({ zone }) => zone)).toEqual(["os2mo-on-prem.vendor.test", "vendor.test"]);
});

test("configuration: what all have, with addresses of its own to listen on and to ask from", () => {
  const lines = configuration("ns2", placement).trimEnd().split("\n");
  expect(lines).toEqual([
    'key "rndc" { algorithm hmac-sha256; secret "rndc=="; };',
    'controls { inet 127.0.0.1 port 9212 allow { 127.0.0.1; } keys { "rndc"; }; };',
    "options {",
    '  directory "/var/cache/bind/names/ns2"; key-directory "/etc/bind/names/keys";',
    "  pid-file none; session-keyfile none; lock-file none;",
    "  listen-on { 198.18.8.212; }; listen-on-v6 { 2001:2:0:84::212; };",
    "  query-source address 198.18.8.212; query-source-v6 address 2001:2:0:84::212;",
    "  transfer-source 198.18.8.212; notify-source 198.18.8.212;",
    "  allow-query { any; }; allow-transfer { none; }; notify explicit; notify-delay 0;",
    "  notify-rate 1000; startup-notify-rate 1000; serial-query-rate 1000;",
    "  empty-zones-enable no; max-cache-size 16m; trust-anchor-telemetry no;",
    "  recursion no; dnssec-validation no;",
    "};",
    'zone "kommune.test" { type secondary; file "kommune.test.zone"; primaries { 198.18.8.211; }; };',
  ]);
});

test("configuration: the customer's primary tells its secondaries, and a stale one is refused the transfer", () => {
  const zone = (allowed: string) => [
    'zone "kommune.test" {',
    '  type primary; file "kommune.test.zone";',
    "  also-notify { 198.18.8.212; 198.18.8.213; };",
    ...(allowed === "" ? [] : [`  allow-transfer { ${allowed} };`]),
    "};",
  ];
  expect(own("ns1")).toEqual(zone("198.18.8.212; 198.18.8.213;"));
  expect(own("ns1", stale("ns3"))).toEqual(zone("198.18.8.212;"));
  expect(own("ns1", stale("ns2", "ns3"))).toEqual(zone(""));
  expect(own("ns3", stale("ns3"))).toEqual(own("ns3"));
});

test("configuration: a lame server has no zone, and the others theirs", () => {
  const faults: Faults = { stale: new Set(), lame: new Set(["ns2"]) };
  expect([own("ns2", faults), own("ns3", faults)]).toEqual([[], own("ns3")]);
});

test("configuration: one key of the vendor's writes challenges of the hosts alone, the other addresses and names too", () => {
  expect(own("vendor1")).toEqual([
    'zone "os2mo-on-prem.vendor.test" {',
    '  type primary; file "os2mo-on-prem.vendor.test.zone";',
    "  also-notify { 198.18.8.222; };",
    "  allow-transfer { 198.18.8.222; };",
    "  update-policy {",
    "    grant challenges name _acme-challenge.os2mo.kommune.test.os2mo-on-prem.vendor.test. TXT;",
    "    grant challenges name _acme-challenge.os2mo-test.kommune.test.os2mo-on-prem.vendor.test. TXT;",
    "    grant records name _acme-challenge.os2mo.kommune.test.os2mo-on-prem.vendor.test. TXT;",
    "    grant records name _acme-challenge.os2mo-test.kommune.test.os2mo-on-prem.vendor.test. TXT;",
    "    grant records zonesub A AAAA CNAME;",
    "  };",
    "};",
    'zone "vendor.test" {',
    '  type primary; file "vendor.test.zone";',
    "  also-notify { 198.18.8.222; };",
    "  allow-transfer { 198.18.8.222; };",
    "};",
  ]);
  const knows = nameServers.filter((name) => configuration(name, placement).includes("challenges=="));
  expect(knows).toEqual(["vendor1"]);
});

test("configuration: both resolvers begin at the root; outside validates, inside has its own copy of the customer's zone", () => {
  expect(own("outside")).toEqual([
    'include "/etc/bind/names/anchor.conf";',
    'zone "." { type hint; file "root.zone"; };',
  ]);
  expect(own("inside")).toEqual([
    'zone "." { type hint; file "root.zone"; };',
    'zone "kommune.test" { type primary; file "kommune.test.zone"; };',
  ]);
  const lines = (server: "outside" | "inside") => configuration(server, placement).split("\n");
  expect(lines("outside")).toContain("  dnssec-validation yes;");
  expect(lines("inside")).toContain("  dnssec-validation no;");
  for (const server of ["outside", "inside"] as const) expect(lines(server).join()).not.toContain("forward");
});

test("zoneText: SOA, name servers, the addresses of those within the zone, then what is given", () => {
  expect(zoneText("kommune.test", 7, servers, ["os2mo CNAME os2mo.kommune.test.os2mo-on-prem.vendor.test."])).toBe(
    `$ORIGIN kommune.test.
$TTL 1
@ SOA ns1.kommune.test. hostmaster.ns1.kommune.test. 7 3600 600 1209600 1
kommune.test. NS ns1.kommune.test.
kommune.test. NS ns2.kommune.test.
kommune.test. NS ns3.kommune.test.
ns1.kommune.test. A 198.18.8.211
ns1.kommune.test. AAAA 2001:2:0:84::211
ns2.kommune.test. A 198.18.8.212
ns2.kommune.test. AAAA 2001:2:0:84::212
ns3.kommune.test. A 198.18.8.213
ns3.kommune.test. AAAA 2001:2:0:84::213
os2mo CNAME os2mo.kommune.test.os2mo-on-prem.vendor.test.
`,
  );
  expect(zoneText("os2mo-on-prem.vendor.test", "SERIAL", servers, [])).toBe(
    `$ORIGIN os2mo-on-prem.vendor.test.
$TTL 1
@ SOA ns1.vendor.test. hostmaster.ns1.vendor.test. SERIAL 3600 600 1209600 1
os2mo-on-prem.vendor.test. NS ns1.vendor.test.
os2mo-on-prem.vendor.test. NS ns2.vendor.test.
`,
  );
});

test("firstRecords: each parent delegates, with the addresses that cannot be found otherwise", () => {
  expect(firstRecords(".", placement)).toEqual(["test. NS a.root."]);
  expect(firstRecords("test", placement)).toEqual([
    "kommune.test. NS ns1.kommune.test.",
    "kommune.test. NS ns2.kommune.test.",
    "kommune.test. NS ns3.kommune.test.",
    "ns1.kommune.test. A 198.18.8.211",
    "ns1.kommune.test. AAAA 2001:2:0:84::211",
    "ns2.kommune.test. A 198.18.8.212",
    "ns2.kommune.test. AAAA 2001:2:0:84::212",
    "ns3.kommune.test. A 198.18.8.213",
    "ns3.kommune.test. AAAA 2001:2:0:84::213",
    "vendor.test. NS ns1.vendor.test.",
    "vendor.test. NS ns2.vendor.test.",
    "ns1.vendor.test. A 198.18.8.221",
    "ns1.vendor.test. AAAA 2001:2:0:84::221",
    "ns2.vendor.test. A 198.18.8.222",
    "ns2.vendor.test. AAAA 2001:2:0:84::222",
    "lab.test. NS vendor.lab.test.",
    "vendor.lab.test. A 198.18.8.200",
    "vendor.lab.test. AAAA 2001:2:0:84::200",
  ]);
  expect(firstRecords("vendor.test", placement)).toEqual([
    "os2mo-on-prem.vendor.test. NS ns1.vendor.test.",
    "os2mo-on-prem.vendor.test. NS ns2.vendor.test.",
    "ca.vendor.test. A 198.18.8.231",
    "ca.vendor.test. AAAA 2001:2:0:84::231",
  ]);
  expect(firstRecords("kommune.test", placement)).toEqual([]);
});

test("hints", () => {
  expect(hints(servers)).toBe(
    ". 3600000 NS a.root.\na.root. 3600000 A 198.18.8.201\na.root. 3600000 AAAA 2001:2:0:84::201\n",
  );
});

test("the vendor's host never speaks with a name server's address unless asked to, now and after it has booted", () => {
  expect(addressFile(Object.values(servers)).split("\n").slice(0, 6)).toEqual([
    "[Address]",
    "Address=198.18.8.201/32",
    "[Address]",
    "Address=2001:2:0:84::201/128",
    "PreferredLifetime=0",
    "DuplicateAddressDetection=none",
  ]);
  expect(addressBatch(Object.values(servers)).split("\n").slice(0, 2)).toEqual([
    "addr replace 198.18.8.201/32 dev host0",
    "addr replace 2001:2:0:84::201/128 dev host0 nodad preferred_lft 0",
  ]);
  expect(addressBatch(Object.values(servers)).trimEnd().split("\n")).toHaveLength(2 * nameServers.length);
});

test("silenceRules: in place of those before, in both families", () => {
  expect(silenceRules([servers.ns1])).toBe(`table inet silent_names
delete table inet silent_names
table inet silent_names {
  chain input {
    type filter hook input priority -300;
    ip daddr 198.18.8.211 drop
    ip6 daddr 2001:2:0:84::211 drop
  }
}
`);
});

test("resolverFile", () => {
  expect(resolverFile(servers.inside)).toBe(
    "nameserver 198.18.8.206\nnameserver 2001:2:0:84::206\nsearch lab.test\noptions timeout:1 attempts:2\n",
  );
});
