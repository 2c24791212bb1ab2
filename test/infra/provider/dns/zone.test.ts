import { describe, expect, test } from "vitest";
import { NoAnswer } from "../../../../infra/provider/dns/exchange.ts";
import { NoZone, zoneOf } from "../../../../infra/provider/dns/zone.ts";
import { a, aaaa, cname, ns, resolverOf, type Troubles, worldOf, type Zones } from "./fake-world.ts";

const resolver = { address: "198.51.100.53", port: 53 };
const suffix = "os2mo-on-prem.magentahosted.dk";

const zones: Zones = {
  ".": [],
  dk: [],
  "kommune.dk": [
    ns("kommune.dk", "ns2.kommune.dk"),
    ns("kommune.dk", "ns1.kommune.dk"),
    ns("kommune.dk", "ns.gone.example"),
    a("ns1.kommune.dk", "192.0.2.1"),
    aaaa("ns1.kommune.dk", "2001:db8::1"),
    a("ns2.kommune.dk", "192.0.2.2"),
    cname("os2mo.kommune.dk", `os2mo.kommune.dk.${suffix}`),
  ],
  "deep.kommune.dk": [ns("deep.kommune.dk", "ns1.kommune.dk")],
  [suffix]: [a(`os2mo.kommune.dk.${suffix}`, "10.1.2.3")],
};

async function found(name: string, troubles: Troubles = {}) {
  await using world = await worldOf({ [resolver.address]: resolverOf(zones, troubles) });
  return await zoneOf(world.exchange, resolver, name).catch((error: unknown) => error);
}

const servers = [
  { name: "ns.gone.example", addresses: [] },
  { name: "ns1.kommune.dk", addresses: ["192.0.2.1", "2001:db8::1"] },
  { name: "ns2.kommune.dk", addresses: ["192.0.2.2"] },
];

describe("the zone that holds a name (DNS-8), and its servers", () => {
  test.each([
    ["the top of a zone", "kommune.dk", "kommune.dk"],
    ["a name in it that is not there", "no.such.kommune.dk", "kommune.dk"],
    ["a CNAME stands there, and leads into another zone", "os2mo.kommune.dk", "kommune.dk"],
    ["handed on at exactly the name", "deep.kommune.dk", "deep.kommune.dk"],
    ["below what is handed on", "a.b.deep.kommune.dk", "deep.kommune.dk"],
    ["a domain that is not there", "os2mo.typo.dk", "dk"],
    ["not even the top-level domain", "os2mo.kommune.invalid", ""],
  ])("%s: %s lies in %s", async (_, name, zone) => {
    expect(await found(name)).toMatchObject({ zone });
  });

  test("servers come with all addresses, and those without any are kept", async () => {
    expect(await found("os2mo.kommune.dk")).toEqual({ zone: "kommune.dk", servers });
  });

  test("a CNAME is not followed: a resolver would remember that nothing stands at its end yet", async () => {
    await using world = await worldOf({ [resolver.address]: resolverOf(zones) });
    await zoneOf(world.exchange, resolver, "os2mo.kommune.dk");
    expect(world.asked.filter((query) => query.includes(" os2mo."))).toEqual(["198.51.100.53 os2mo.kommune.dk CNAME"]);
  });

  test("a CNAME to a zone that is out of order does not hide the zone", async () => {
    expect(await found("os2mo.kommune.dk", { dead: [suffix] })).toEqual({ zone: "kommune.dk", servers });
  });

  test("signatures that do not hold do not hide it either", async () => {
    expect(await found("os2mo.kommune.dk", { bogus: ["kommune.dk"] })).toEqual({ zone: "kommune.dk", servers });
  });

  test("the SOA of the zone into which a CNAME leads is not taken for the owner's, even where it lies above", async () => {
    const upwards: Zones = { ...zones, "deep.kommune.dk": [cname("x.deep.kommune.dk", "no.kommune.dk")] };
    await using world = await worldOf({ [resolver.address]: resolverOf(upwards) });
    expect(await zoneOf(world.exchange, resolver, "x.deep.kommune.dk")).toMatchObject({ zone: "deep.kommune.dk" });
  });
});

describe("no zone", () => {
  test("of a resolver that refuses", async () => {
    await using world = await worldOf({ [resolver.address]: () => [{ rcode: 5 }] });
    await expect(zoneOf(world.exchange, resolver, "os2mo.kommune.dk")).rejects.toThrow(NoZone);
    await expect(zoneOf(world.exchange, resolver, "os2mo.kommune.dk")).rejects.toThrow(
      "198.51.100.53 does not tell in which zone os2mo.kommune.dk lies",
    );
  });

  test("of one that is silent", async () => {
    await using world = await worldOf({ [resolver.address]: "silent" });
    await expect(zoneOf(world.exchange, resolver, "os2mo.kommune.dk")).rejects.toThrow(NoAnswer);
  });

  test("of one that gives the SOA of another zone, or none", async () => {
    const strange = resolverOf({ "example.org": [] });
    const bare = resolverOf(zones);
    await using world = await worldOf({
      "198.51.100.1": (asked) => strange({ ...asked, question: { ...asked.question, name: "x.example.org" } }),
      "198.51.100.2": (asked) => bare(asked).map((reply) => ({ ...reply, authorities: [] })),
    });
    await expect(zoneOf(world.exchange, { address: "198.51.100.1", port: 53 }, "os2mo.kommune.dk")).rejects.toThrow(
      NoZone,
    );
    // Without the authority section the next name above tells.
    const at = { address: "198.51.100.2", port: 53 };
    expect(await zoneOf(world.exchange, at, "no.such.kommune.dk")).toMatchObject({ zone: "kommune.dk" });
  });
});
