import type { Answer } from "dns-packet";
import { describe, expect, test } from "vitest";
import { Failure } from "../../../../infra/provider/failure.ts";
import { vendorZone, type ZoneContext } from "../../../../infra/provider/zones/zone.ts";
import { a, aaaa, holderOf, ns, resolverOf, txt, type World, worldOf } from "../dns/fake-world.ts";

const resolver = { address: "198.51.100.53", port: 53 };
const [name, host] = ["_acme-challenge.os2mo.x.test", "os2mo.x.test"];
const base = [
  ns("x.test", "ns1.x.test"),
  ns("x.test", "ns2.x.test"),
  a("ns1.x.test", "192.0.2.1"),
  a("ns2.x.test", "192.0.2.2"),
];

/** A zone whose records somebody changes while the test goes on; the second server is silent where there are none for it. */
function edited(one: Answer[], two: Answer[] | "silent" = one): Promise<World> {
  const serving = (records: Answer[]) => (query: Parameters<ReturnType<typeof holderOf>>[0]) =>
    holderOf("x.test", [...base, ...records])(query);
  return worldOf({
    [resolver.address]: resolverOf({ ".": [], test: [], "x.test": base }),
    "192.0.2.1": serving(one),
    "192.0.2.2": two === "silent" ? "silent" : serving(two),
  });
}

const said: string[] = [];
function zone({ exchange }: World, more: Partial<ZoneContext> = {}) {
  said.length = 0;
  const say = (severity: string, text: string) => void said.push(`${severity}: ${text}`);
  return vendorZone({ kind: "manual", zone: "x.test" }, { exchange, resolvers: [resolver], say, patience: 0, ...more });
}

describe("a challenge", () => {
  test("is said once, waited for, and said to be superfluous afterwards", async () => {
    const records: Answer[] = [];
    await using world = await edited(records);
    const byHand = zone(world, { patience: 60 });
    await byHand.present(name, "v");
    await byHand.present(name, "v");
    expect(said).toEqual([`warning: by hand (zone x.test): set this record now:\n${name}. 60 IN TXT "v"`]);
    setTimeout(() => records.push(txt(name, "v")), 50);
    await byHand.wait(name, "v");
    expect(await byHand.values(name)).toEqual(["v"]);
    await byHand.cleanUp(name, "v");
    expect(said.slice(1)).toEqual([
      `warning: by hand (zone x.test): this record has served its purpose, and may be removed:\n${name}. 60 IN TXT "v"`,
    ]);
  });

  test("that stands there, nobody is told of; beside another one, that is said", async () => {
    await using world = await edited([txt(name, "v")]);
    const byHand = zone(world);
    await byHand.present(name, "v");
    await byHand.cleanUp(name, "another");
    expect(said).toEqual([]);
    await byHand.present(name, "w");
    expect(said).toEqual([
      `warning: by hand (zone x.test): set this record, beside those that are there, now:\n${name}. 60 IN TXT "w"`,
    ]);
  });

  test("that nobody sets is a failure in the end", async () => {
    await using world = await edited([]);
    const error = await zone(world)
      .wait(name, "v")
      .catch((failed: unknown) => failed);
    expect((error as Failure).explanation.why).toBe("ns1.x.test (192.0.2.1) lacks it\nns2.x.test (192.0.2.2) lacks it");
  });
});

describe("addresses", () => {
  test("are said line by line, what is missing and what is superfluous, and verified", async () => {
    const records = [a(host, "10.0.0.1"), a(host, "10.0.0.9")];
    await using world = await edited(records);
    const byHand = zone(world, { patience: 60 });
    setTimeout(() => records.splice(1, 1, aaaa(host, "fd00::1")), 200);
    await byHand.setAddresses(host, ["fd00::1", "10.0.0.1"]);
    expect(said).toEqual([
      `warning: by hand (zone x.test): set now:\n${host}. 300 IN AAAA fd00::1`,
      `warning: by hand (zone x.test): remove now:\n${host}. 300 IN A 10.0.0.9`,
    ]);
    said.length = 0;
    await byHand.setAddresses(host, ["10.0.0.1", "fd00::1"]);
    expect(said).toEqual([]);
  });
});

describe("what is there is what any of the name servers says", () => {
  test("each value once; one that is silent is no matter", async () => {
    await using both = await edited([txt(name, "b"), txt(name, "a")], [txt(name, "a"), txt(name, "c")]);
    expect(await zone(both).values(name)).toEqual(["a", "b", "c"]);
    await using one = await edited([a(host, "10.0.0.1")], "silent");
    expect(await zone(one).addresses(host)).toEqual(["10.0.0.1"]);
  });

  test("when none says anything, that is a failure and not an empty zone", async () => {
    await using world = await worldOf({
      [resolver.address]: resolverOf({ ".": [], "x.test": base }),
      "192.0.2.1": "silent",
      "192.0.2.2": "silent",
    });
    const error = await zone(world)
      .values(name)
      .catch((failed: unknown) => failed);
    expect((error as Failure).explanation).toEqual({
      what: `could not look at ${name} (by hand (zone x.test))`,
      why: "ns1.x.test (192.0.2.1) sends no answer\nns2.x.test (192.0.2.2) sends no answer",
    });
    const unknown = await zone(world, { resolvers: [] })
      .values(name)
      .catch((failed: unknown) => failed);
    expect(unknown).toBeInstanceOf(Failure);
  });
});
