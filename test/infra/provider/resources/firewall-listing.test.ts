import { describe, expect, it } from "vitest";
import { compare, parseListing, policyIn } from "../../../../infra/provider/resources/firewall-listing.ts";
import type { Policy } from "../../../../infra/provider/resources/firewall-rules.ts";
import { fixture } from "../checked.ts";

const policy: Policy = {
  inbound: {
    ssh: { protocol: "tcp", ports: [22], from: ["10.20.0.0/24", "fd00:20::/64"] },
    vpn: { protocol: "udp", ports: [51820], from: ["0.0.0.0/0", "::/0"] },
    "web på dansk": { protocol: "tcp", ports: [80, 443], from: ["10.0.0.0/8"] },
  },
  outbound: { salt: { protocol: "tcp", ports: [4505, 4506], to: ["198.51.100.7/32", "2001:db8::7/128"] } },
  ping: ["0.0.0.0/0", "fd00:20::/64"],
  trustedBridges: ["br-*", "docker0"],
  logDropped: true,
};

const table = parseListing(fixture("nft-debian-12/table.txt"));

describe.each(["nft-debian-12", "nft-0.9.3"])("%s", (release) => {
  const printed = parseListing(fixture(`${release}/table.txt`));
  const drifted = parseListing(fixture(`${release}/drifted.txt`));

  it("reads the policy back from the rules", () => {
    expect(policyIn(printed)).toEqual(policy);
  });

  it("finds nothing where nothing differs; elements of sets do not count", () => {
    expect(compare(printed, printed, policy)).toEqual({ ...policy, foreign: [] });
  });

  it("names each thing that somebody changed", () => {
    const read = policyIn(drifted);
    expect(read).toEqual({ ...policy, outbound: {}, ping: [] });
    // What the host prints for a policy without them.
    const withoutPing = (lines: readonly string[]) => lines.filter((line) => !line.includes("(ping)"));
    const chains = new Map([...printed.chains].map(([name, lines]) => [name, withoutPing(lines)] as const));
    const expected = { ...printed, chains: chains.set("outbound", []) };
    expect(compare(drifted, expected, read)).toEqual({
      ...policy,
      ping: [],
      foreign: ["chain extra", "set more"],
      inbound: {
        ...policy.inbound,
        "(unknown) tcp dport 8080 counter accept": { chain: "inbound" },
        '(unknown) ip saddr 10.0.0.0/8 tcp dport 22 accept comment "vpn"': { chain: "inbound" },
        '(unknown) icmp type echo-request accept comment "(ping)"': { chain: "inbound" },
        '(unknown) ip6 saddr fd00:20::/64 icmpv6 type echo-request accept comment "(ping)"': { chain: "inbound" },
        "(unknown) type filter hook prerouting priority dstnat - 10; policy accept;": { chain: "arriving" },
        "(missing) type filter hook prerouting priority dstnat - 10; policy drop;": { chain: "arriving" },
        "(unknown) chain extra": { chain: "extra" },
        "(unknown) type filter hook input priority filter + 5; policy accept;": { chain: "extra" },
        "(unknown) set more": { chain: "more" },
        "(unknown) flags dormant": { chain: "(table)" },
      },
      outbound: { "(unknown) accept": { chain: "leaving" } },
    });
  });
});

/** The table with the lines of one chain changed. */
function changed(chain: string, change: (lines: string[]) => string[]) {
  return { ...table, chains: new Map(table.chains).set(chain, change([...(table.chains.get(chain) ?? [])])) };
}

const found = (live: typeof table) => {
  const { inbound, outbound, foreign } = compare(live, table, policyIn(live));
  const strays = Object.keys({ ...inbound, ...outbound }).filter((name) => name.startsWith("("));
  return [...strays, ...foreign.map((thing) => `foreign ${thing}`)];
};

it.each<[string, typeof table, string[]]>([
  [
    "a rule in another place",
    changed("arriving", ([hook = "", ...rules]) => [hook, ...rules.reverse()]),
    ["(unknown) order of the rules in arriving"],
  ],
  ["entries in another order", changed("inbound", (lines) => lines.reverse()), []],
  ["a rule twice", changed("leaving", (lines) => [...lines, "jump outbound"]), ["(unknown) jump outbound"]],
  ["a rule gone", changed("forwarded", (lines) => lines.slice(0, -1)), ["(missing) ct status dnat accept"]],
  [
    "a chain at another hook",
    changed("leaving", (lines) => lines.with(0, "type filter hook postrouting priority filter; policy drop;")),
    [
      "(missing) type filter hook output priority filter; policy drop;",
      "(unknown) chain leaving",
      "(unknown) type filter hook postrouting priority filter; policy drop;",
      "foreign chain leaving",
    ],
  ],
  [
    "a chain gone",
    { ...table, chains: new Map([...table.chains].filter(([name]) => name !== "tracking")) },
    ["(missing) ct state new"],
  ],
  [
    "an entry's rule with another port",
    changed("inbound", (lines) => [...lines, 'ip saddr 10.20.0.0/24 tcp dport 23 accept comment "ssh"']),
    ['(unknown) ip saddr 10.20.0.0/24 tcp dport 23 accept comment "ssh"'],
  ],
  [
    "a rule of our form in the wrong direction",
    changed("inbound", (lines) => [...lines, 'ip daddr 10.20.0.0/24 tcp dport 23 accept comment "x"']),
    ['(unknown) ip daddr 10.20.0.0/24 tcp dport 23 accept comment "x"'],
  ],
])("%s", (_, live, strays) => {
  expect(found(live).sort()).toEqual(strays.sort());
});

it("reads an entry that somebody added in our form as an entry", () => {
  const live = changed("inbound", (lines) => [
    ...lines,
    'ip saddr 10.9.9.9 tcp dport { 22, 23 } accept comment "back door"',
  ]);
  expect(policyIn(live).inbound["back door"]).toEqual({ protocol: "tcp", ports: [22, 23], from: ["10.9.9.9/32"] });
});
