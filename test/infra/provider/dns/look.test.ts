import { type Answer, decode } from "dns-packet";
import { describe, expect, test } from "vitest";
import { type Exchange, NoAnswer } from "../../../../infra/provider/dns/exchange.ts";
import type { Expected } from "../../../../infra/provider/dns/expected.ts";
import { type LookOptions, lookUp } from "../../../../infra/provider/dns/look.ts";
import type { Observation } from "../../../../infra/provider/dns/observation.ts";
import { judge } from "../../../../infra/provider/dns/verdict.ts";
import type { Behaviour } from "./fake-server.ts";
import {
  a,
  aaaa,
  caa,
  cname,
  holderOf,
  mx,
  ns,
  resolverOf,
  type Troubles,
  txt,
  worldOf,
  type Zones,
} from "./fake-world.ts";

const suffix = "os2mo-on-prem.magentahosted.dk";
const host: Expected = { owner: "os2mo.kommune.dk", target: `os2mo.kommune.dk.${suffix}`, purpose: "host" };
const challenge: Expected = {
  owner: `_acme-challenge.${host.owner}`,
  target: `_acme-challenge.${host.target}`,
  purpose: "challenge",
};
const zone = "kommune.dk";
const outside = { address: "198.51.100.53", port: 53 };
const inside = { address: "10.0.0.53", port: 53 };

const basis = [
  ns(zone, "ns1.kommune.dk"),
  ns(zone, "ns2.kommune.dk"),
  a("ns1.kommune.dk", "192.0.2.1"),
  a("ns2.kommune.dk", "192.0.2.2"),
];
const both = [cname(host.owner, host.target), cname(challenge.owner, challenge.target)];
const vendor = [a(host.target, "10.1.2.3"), txt(challenge.target, "value")];

interface Setting {
  readonly expected?: Expected;
  /** Records of the customer's zone beside its servers. */
  readonly records?: readonly Answer[];
  readonly zones?: Zones;
  readonly troubles?: Troubles;
  /** Servers by address, instead of those that hold the customer's zone, and of the resolvers. */
  readonly servers?: Readonly<Record<string, Behaviour | "silent">>;
  readonly options?: Partial<LookOptions>;
  /** What the server's own resolver has, where it is asked. */
  readonly insideZones?: Zones;
}

async function look(setting: Setting): Promise<{ seen: Observation; asked: readonly string[] }> {
  const { expected = host, records = both, troubles = {}, servers = {}, options = {}, insideZones } = setting;
  const held = [...basis, ...records];
  const zones: Zones = { ".": [], dk: [], [zone]: held, [suffix]: vendor, ...setting.zones };
  await using world = await worldOf({
    [outside.address]: resolverOf(zones, troubles),
    "192.0.2.1": holderOf(zone, held),
    "192.0.2.2": holderOf(zone, held),
    ...(insideZones && { [inside.address]: resolverOf({ ...zones, ...insideZones }) }),
    ...servers,
  });
  const all: LookOptions = {
    outside: [outside],
    ...(insideZones && { inside: { exchange: world.exchange, resolvers: [inside] } }),
    ...options,
  };
  return { seen: await lookUp(world.exchange, expected, all), asked: world.asked };
}

const server = (name: string, address: string, rest: object = {}) => ({
  name,
  address,
  rcode: "NOERROR",
  authoritative: true,
  others: [],
  ...rest,
});

describe("a record as it must be (DNS-4, DNS-5)", () => {
  test("the host record", async () => {
    const { seen } = await look({ insideZones: {} });
    const view = {
      rcode: "NOERROR",
      chain: [host.owner, host.target],
      loop: false,
      addresses: ["10.1.2.3"],
      texts: [],
    };
    expect(seen).toEqual({
      zone,
      apex: false,
      servers: [
        server("ns1.kommune.dk", "192.0.2.1", { target: host.target }),
        server("ns2.kommune.dk", "192.0.2.2", { target: host.target }),
      ],
      outside: [{ resolver: "198.51.100.53", ...view }],
      inside: [{ resolver: "10.0.0.53", ...view }],
    });
    expect(judge(host, seen)).toEqual([]);
  });

  test("the challenge record, with the text at its end", async () => {
    const ca = { domains: ["letsencrypt.org"] };
    const { seen } = await look({ expected: challenge, options: { ca } });
    expect(seen).toEqual({
      zone,
      apex: false,
      servers: [
        server("ns1.kommune.dk", "192.0.2.1", { target: challenge.target }),
        server("ns2.kommune.dk", "192.0.2.2", { target: challenge.target }),
      ],
      outside: [
        {
          resolver: "198.51.100.53",
          rcode: "NOERROR",
          chain: [challenge.owner, challenge.target],
          loop: false,
          addresses: [],
          texts: ["value"],
        },
      ],
      caa: { ca, climbed: ["os2mo.kommune.dk", "kommune.dk", "dk"] },
    });
    expect(judge(challenge, seen)).toEqual([]);
  });

  test("addresses of both families are seen, sorted", async () => {
    const { seen } = await look({ zones: { [suffix]: [aaaa(host.target, "fd00::1"), a(host.target, "10.1.2.3")] } });
    expect(seen.outside).toMatchObject([{ addresses: ["10.1.2.3", "fd00::1"] }]);
  });

  test("the zone's own servers are asked without recursion", async () => {
    const flags: boolean[] = [];
    const noting: Behaviour = (asked) => {
      flags.push(asked.packet.flag_rd);
      return holderOf(zone, [...basis, ...both])(asked);
    };
    await look({ servers: { "192.0.2.1": noting } });
    expect(new Set(flags)).toEqual(new Set([false]));
  });
});

describe("what stands at the owner, by the zone's own servers", () => {
  test("nothing: the owner with the zone's name after it is asked for too (DNS-9)", async () => {
    const { seen, asked } = await look({ records: [cname(`${host.owner}.${zone}`, host.target)] });
    expect(seen.servers[0]).toEqual(server("ns1.kommune.dk", "192.0.2.1", { rcode: "NXDOMAIN", doubled: host.target }));
    expect(asked).toContain("192.0.2.1 os2mo.kommune.dk.kommune.dk CNAME");
  });

  test("other records, in the form of a zone file, and only at exactly the owner (DNS-8)", async () => {
    const own = host.owner;
    const records = [a(own, "192.0.2.80"), txt(own, 'say "hi"'), mx(own, "mail.kommune.dk"), caa(own, "issue", ";")];
    const { seen } = await look({ records: [...records, a(`www.${own}`, "192.0.2.81")] });
    expect(seen.servers[0]).toEqual(
      server("ns1.kommune.dk", "192.0.2.1", {
        others: [
          { type: "A", data: "192.0.2.80" },
          { type: "TXT", data: '"say \\"hi\\""' },
          { type: "MX", data: "10 mail.kommune.dk." },
          { type: "CAA", data: '0 issue ";"' },
        ],
      }),
    );
  });

  test("others beside the CNAME, on a server that lets them be", async () => {
    const lax: Behaviour = ({ question: { type, name } }) => [
      {
        authoritative: true,
        answers: [a(name, "192.0.2.80"), ...both].filter((one) => one.name === name && one.type === type),
      },
    ];
    const { seen } = await look({ servers: { "192.0.2.1": lax } });
    const others = [{ type: "A", data: "192.0.2.80" }];
    expect(seen.servers[0]).toEqual(server("ns1.kommune.dk", "192.0.2.1", { target: host.target, others }));
    expect(judge(host, seen).map(({ kind }) => kind)).toEqual(["other-records"]);
  });

  test("two CNAMEs: the right one counts, the other is beside it", async () => {
    const { seen } = await look({ records: [cname(host.owner, "old.kommune.dk"), ...both] });
    const others = [{ type: "CNAME", data: "old.kommune.dk." }];
    expect(seen.servers[0]).toEqual(server("ns1.kommune.dk", "192.0.2.1", { target: host.target, others }));
  });

  test("a server that does not know the zone, one that is silent, a name without an address", async () => {
    const records = [...both, ns(zone, "ns.gone.example")];
    const { seen } = await look({
      records,
      servers: { "192.0.2.1": holderOf("another.dk", []), "192.0.2.2": "silent" },
    });
    expect(seen.servers).toEqual([
      { name: "ns.gone.example", failed: "no address" },
      server("ns1.kommune.dk", "192.0.2.1", { rcode: "REFUSED", authoritative: false }),
      { name: "ns2.kommune.dk", address: "192.0.2.2", failed: "silent" },
    ]);
    expect(judge(host, seen).map(({ kind, severity }) => `${kind} ${severity}`)).toEqual([
      "server-silent warning",
      "lame warning",
    ]);
  });

  test("only addresses of the families that are asked for", async () => {
    const records = [...both, aaaa("ns1.kommune.dk", "2001:db8::1")];
    const { seen } = await look({ records, options: { addressFamilies: ["ipv4"] } });
    expect(seen.servers.map((view) => view.address)).toEqual(["192.0.2.1", "192.0.2.2"]);
  });

  test("the port of the zone's servers is 53 but for tests", async () => {
    const ports = new Set<number>();
    const portOf = async (options: Partial<LookOptions>) => {
      ports.clear();
      await using world = await worldOf({
        [outside.address]: resolverOf({ [zone]: [...basis, ...both] }),
        "192.0.2.1": holderOf(zone, both),
        "192.0.2.2": holderOf(zone, both),
      });
      await lookUp(
        (to, ...rest) => {
          if (to.address !== outside.address) ports.add(to.port);
          return world.exchange(to, ...rest);
        },
        host,
        { outside: [outside], ...options },
      );
      return [...ports];
    };
    expect(await portOf({})).toEqual([53]);
    expect(await portOf({ port: 5353 })).toEqual([5353]);
  });
});

describe("the top of a zone (DNS-8)", () => {
  const own = [ns(host.owner, "ns1.kommune.dk")];

  test("the owner is handed on, and the resolver knows", async () => {
    const { seen } = await look({
      zones: { [host.owner]: own },
      servers: { "192.0.2.1": holderOf(host.owner, own) },
    });
    expect(seen).toMatchObject({ zone: host.owner, apex: true, servers: [{ name: "ns1.kommune.dk" }] });
    expect(judge(host, seen).map(({ kind }) => kind)).toEqual(["apex"]);
  });

  test("the owner is handed on, and only the servers above tell: the resolver gets nothing from below", async () => {
    const below = [ns(host.owner, "ns3.kommune.dk"), a("ns3.kommune.dk", "192.0.2.3")];
    const { seen } = await look({
      records: below,
      zones: { [host.owner]: own },
      troubles: { dead: [host.owner] },
      servers: { "192.0.2.3": holderOf(host.owner, own) },
    });
    expect(seen).toMatchObject({
      zone: host.owner,
      apex: true,
      servers: [{ address: "192.0.2.3", authoritative: true }],
    });
    expect(judge(host, seen).map(({ kind }) => kind)).toEqual(["apex", "unreachable"]);
  });

  test("the same, with a server whose address only the referral tells", async () => {
    const below = [ns(host.owner, `ns.${host.owner}`), a(`ns.${host.owner}`, "192.0.2.4")];
    const { seen } = await look({
      records: below,
      zones: { [host.owner]: own },
      troubles: { dead: [host.owner] },
      servers: { "192.0.2.4": holderOf(host.owner, own) },
    });
    expect(seen).toMatchObject({ apex: true, servers: [{ address: "192.0.2.4", authoritative: true }] });
  });

  test("servers that hand on without end are followed four times", async () => {
    const names = ["a.os2mo.kommune.dk", "b.a.os2mo.kommune.dk", "c.b.a.os2mo.kommune.dk", "d.c.b.a.os2mo.kommune.dk"];
    const owner = `x.${names[3]}`;
    const always: Behaviour = ({ question }) => {
      // One label deeper at each round of the two.
      const depth = question.type === "CNAME" ? Math.floor(count++ / 2) : 0;
      return [{ authorities: ["ns1.kommune.dk", "ns2.kommune.dk"].map((server) => ns(names[depth] ?? "", server)) }];
    };
    let count = 0;
    const { seen } = await look({
      expected: { owner, target: `${owner}.${suffix}`, purpose: "host" },
      records: [],
      servers: { "192.0.2.1": always, "192.0.2.2": always },
    });
    expect(count).toBe(8);
    expect(seen.servers.every((view) => "delegation" in view)).toBe(true);
  });
});

describe("resolvers", () => {
  test("the zone is found by the first that answers, and each is told of", async () => {
    const spare = { address: "198.51.100.54", port: 5353 };
    const zones = { [zone]: [...basis, ...both], [suffix]: vendor };
    const { seen, asked } = await look({
      servers: { [outside.address]: "silent", [spare.address]: resolverOf(zones) },
      options: { outside: [outside, spare] },
    });
    expect(seen.outside).toMatchObject([
      { resolver: "198.51.100.53", failed: "silent" },
      { resolver: "198.51.100.54 port 5353", rcode: "NOERROR", addresses: ["10.1.2.3"] },
    ]);
    expect(seen.zone).toBe(zone);
    expect(asked).toContain("198.51.100.54 kommune.dk SOA");
  });

  test("without one that answers nothing else is asked", async () => {
    const { seen, asked } = await look({
      expected: challenge,
      servers: { [outside.address]: "silent" },
      options: { ca: { domains: ["letsencrypt.org"] } },
    });
    expect(seen).toEqual({ apex: false, servers: [], outside: [{ resolver: "198.51.100.53", failed: "silent" }] });
    expect(asked).toEqual([]);
    expect(judge(challenge, seen).map(({ kind }) => kind)).toEqual(["unreachable"]);
  });

  test("of one that refuses all, its word is kept", async () => {
    const { seen } = await look({ servers: { [outside.address]: () => [{ rcode: 5 }] } });
    expect(seen).toMatchObject({ servers: [], outside: [{ rcode: "REFUSED", chain: [host.owner] }] });
    expect("zone" in seen).toBe(false);
  });

  test("a circle is seen, though the resolver gives up", async () => {
    const { seen } = await look({ zones: { [suffix]: [cname(host.target, "b.dk")], dk: [cname("b.dk", host.owner)] } });
    expect(seen.outside).toMatchObject([
      { rcode: "SERVFAIL", loop: true, chain: [host.owner, host.target, "b.dk", host.owner] },
    ]);
    expect(judge(host, seen).map(({ kind }) => kind)).toEqual(["loop"]);
  });

  test.each([
    { links: 6, kinds: [] },
    { links: 7, kinds: ["too-long"] },
    { links: 40, kinds: ["too-long", "no-address"] },
  ])("a chain of 2 names and $links more", async ({ links, kinds }) => {
    const name = (at: number) => (at === 0 ? host.target : `${at}.${suffix}`);
    const chain = Array.from({ length: links }, (_, at) => cname(name(at), name(at + 1)));
    const { seen } = await look({ zones: { [suffix]: [...chain, a(name(links), "10.1.2.3")] } });
    expect(seen.outside).toMatchObject([{ chain: { length: Math.min(links + 2, 17) }, loop: false }]);
    expect(judge(host, seen).map(({ kind }) => kind)).toEqual(kinds);
  });

  test.each([
    { bogus: [zone], name: host.owner },
    { bogus: [suffix], name: host.target },
  ])("signatures of $bogus that do not hold are told by where they begin", async ({ bogus, name }) => {
    const { seen } = await look({ troubles: { bogus } });
    expect(seen.outside).toMatchObject([
      { rcode: "SERVFAIL", bogus: name, chain: [host.owner, host.target], addresses: ["10.1.2.3"] },
    ]);
    expect(judge(host, seen).map(({ kind }) => kind)).toEqual(["bogus"]);
  });

  test("only what stands at the end has a bad signature", async () => {
    const zones = { [zone]: [...basis, ...both], [suffix]: vendor };
    const { seen } = await look({
      servers: {
        [outside.address]: (asked) =>
          asked.question.type === "A" && !asked.packet.flag_cd
            ? [{ rcode: 2 }]
            : asked.question.type === "AAAA"
              ? [{ rcode: 2 }]
              : resolverOf(zones)(asked),
      },
    });
    expect(seen.outside).toMatchObject([{ rcode: "SERVFAIL", bogus: host.target }]);
  });

  test("a target whose zone is out of order is no bad signature, and the record is seen all the same", async () => {
    const { seen } = await look({ troubles: { dead: [suffix] } });
    expect(seen.outside).toEqual([
      {
        resolver: "198.51.100.53",
        rcode: "SERVFAIL",
        chain: [host.owner, host.target],
        loop: false,
        addresses: [],
        texts: [],
      },
    ]);
    expect(judge(host, seen).map(({ kind, severity }) => `${kind} ${severity}`)).toEqual(["no-address warning"]);
  });

  test("a resolver that is silent only about the end is told so", async () => {
    const zones = { [zone]: [...basis, ...both], [suffix]: vendor };
    await using world = await worldOf({ [outside.address]: resolverOf(zones) });
    const slow: Exchange = (to, query, protocol) =>
      ["A", "AAAA"].includes(decode(Buffer.from(query)).questions?.[0]?.type ?? "")
        ? Promise.reject(new NoAnswer("silent", "still asking"))
        : world.exchange(to, query, protocol);
    const seen = await lookUp(slow, host, { outside: [outside], addressFamilies: [] });
    expect(seen.outside).toMatchObject([{ rcode: "no answer", chain: [host.owner, host.target], addresses: [] }]);
  });
});

describe("inside (Q-SRV-13)", () => {
  test("another view of the zone is seen", async () => {
    const { seen } = await look({ insideZones: { [zone]: [a(host.owner, "10.9.9.9")] } });
    expect(seen.inside).toMatchObject([{ chain: [host.owner], addresses: ["10.9.9.9"] }]);
    expect(judge(host, seen).map(({ kind, severity }) => `${kind} ${severity}`)).toEqual(["inside-differs wrong"]);
  });

  test("a resolver that withholds private addresses, and empties the whole answer with them", async () => {
    const zones = { [zone]: [...basis, ...both], [suffix]: vendor };
    const filtering: Behaviour = (asked) =>
      asked.question.type === "A" ? [{ answers: [] }] : resolverOf(zones)(asked);
    const { seen } = await look({ insideZones: {}, servers: { [inside.address]: filtering } });
    expect(seen.inside).toMatchObject([{ rcode: "NOERROR", chain: [host.owner, host.target], addresses: [] }]);
    expect(judge(host, seen).map(({ kind }) => kind)).toEqual(["filtered-inside"]);
  });

  test("no resolvers inside: nobody was asked there", async () => {
    const { seen } = await look({});
    expect("inside" in seen).toBe(false);
  });
});

describe("CAA, as a certificate authority looks for it (RFC 8659)", () => {
  const ca = { domains: ["letsencrypt.org"] };
  const caaOf = async (setting: Setting) => (await look({ expected: challenge, options: { ca }, ...setting })).seen.caa;

  test("climbs from the host name without the challenge's label", async () => {
    expect(await caaOf({ records: [...both, caa(zone, "issue", "ca.example")] })).toEqual({
      ca,
      climbed: ["os2mo.kommune.dk", "kommune.dk"],
      set: { chain: ["kommune.dk"], records: [{ flags: 0, tag: "issue", value: "ca.example" }] },
    });
  });

  test("the top-level domain is asked last", async () => {
    const { asked } = await look({ expected: challenge, options: { ca } });
    expect(asked.filter((query) => query.startsWith("198.51.100.53") && query.endsWith("CAA"))).toEqual([
      "198.51.100.53 os2mo.kommune.dk CAA",
      "198.51.100.53 kommune.dk CAA",
      "198.51.100.53 dk CAA",
    ]);
  });

  test("what stands where the host's CNAME leads counts, by the chain that leads there", async () => {
    const zones = { [suffix]: [...vendor, caa(host.target, "issue", "vendor.example")] };
    expect(await caaOf({ zones, records: [...both, caa(zone, "issue", "letsencrypt.org")] })).toEqual({
      ca,
      climbed: ["os2mo.kommune.dk"],
      set: { chain: [host.owner, host.target], records: [{ flags: 0, tag: "issue", value: "vendor.example" }] },
    });
  });

  test("what stands above the CNAME's target does not count", async () => {
    const zones = { [suffix]: [...vendor, caa(suffix, "issue", "vendor.example")] };
    expect(await caaOf({ zones })).toEqual({ ca, climbed: ["os2mo.kommune.dk", "kommune.dk", "dk"] });
  });

  test("an error ends the climb", async () => {
    expect(await caaOf({ troubles: { dead: [suffix] } })).toEqual({
      ca,
      climbed: ["os2mo.kommune.dk"],
      failed: { name: "os2mo.kommune.dk", why: "SERVFAIL" },
    });
  });

  test("a host record is not looked at for it", async () => {
    expect(await caaOf({ expected: host })).toBe(undefined);
  });
});
