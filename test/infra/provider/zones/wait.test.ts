import type { Answer } from "dns-packet";
import { describe, expect, test } from "vitest";
import { Failure } from "../../../../infra/provider/failure.ts";
import { Cancelled } from "../../../../infra/provider/host/errors.ts";
import { type Waiting, waitForAddresses, waitForValue } from "../../../../infra/provider/zones/wait.ts";
import type { Behaviour } from "../dns/fake-server.ts";
import { a, aaaa, holderOf, ns, resolverOf, txt, type World, worldOf } from "../dns/fake-world.ts";

const resolver = { address: "198.51.100.53", port: 53 };
const name = "_acme-challenge.os2mo.x.test";
const base = [
  ns("x.test", "ns1.x.test"),
  ns("x.test", "ns2.x.test"),
  a("ns1.x.test", "192.0.2.1"),
  a("ns2.x.test", "192.0.2.2"),
];

/** A zone on two servers that hold what they are given. */
const world = (one: Behaviour | "silent", two: Behaviour | "silent", known: readonly Answer[] = base) =>
  worldOf({
    [resolver.address]: resolverOf({ ".": [], test: [], "x.test": known }),
    "192.0.2.1": one,
    "192.0.2.2": two,
  });
const holding = (...records: Answer[]) => holderOf("x.test", [...base, ...records]);

const said: string[] = [];
function waiting({ exchange }: World, more: Partial<Waiting> = {}): Waiting {
  said.length = 0;
  const say = (severity: string, text: string) => void said.push(`${severity}: ${text}`);
  return { title: "the zone", exchange, resolvers: [resolver], say, patience: 0, round: 0.01, ...more };
}

const failure = (work: Promise<void>): Promise<Failure> =>
  work.then(
    () => expect.unreachable("it did not fail"),
    (error) => error,
  );

test("every authoritative server is asked itself, and none for anybody else", async () => {
  await using asked = await world(holding(txt(name, "v"), txt(name, "other")), holding(txt(name, "v")));
  await waitForValue(waiting(asked), name, "v");
  expect(asked.asked.filter((one) => one.endsWith("TXT")).sort()).toEqual([
    `192.0.2.1 ${name} TXT`,
    `192.0.2.2 ${name} TXT`,
  ]);
  expect(said).toEqual([]);
});

test("a server that gets it later is waited for, and named meanwhile", async () => {
  let rounds = 0;
  const late: Behaviour = (query) => {
    rounds += query.question.type === "TXT" ? 1 : 0;
    return (rounds < 4 ? holding(txt(name, "other")) : holding(txt(name, "v")))(query);
  };
  await using asked = await world(holding(txt(name, "v")), late);
  await waitForValue(waiting(asked, { patience: 60, every: 0 }), name, "v");
  expect(said.slice(0, 2)).toEqual([
    `info: the zone: 0 s so far for the value v of TXT at ${name}; ns2.x.test (192.0.2.2) lacks it (and has 1 other)`,
    `info: the zone: 0 s so far for the value v of TXT at ${name}; ns2.x.test (192.0.2.2) lacks it (and has 1 other)`,
  ]);
  expect(said).toHaveLength(3);
});

describe("in vain: a failure names each server that lacks it, and how", () => {
  const refusing: Behaviour = () => [{ rcode: 5 }];
  const lame: Behaviour = () => [{ answers: [txt(name, "v")] }];
  test.each<[string, Behaviour | "silent", string]>([
    ["it has nothing", holding(), "lacks it"],
    ["it refuses", refusing, "does not serve the zone (REFUSED)"],
    ["it has the value by hearsay", lame, "does not serve the zone"],
    ["it is silent", "silent", "sends no answer"],
  ])("%s", async (_, two, why) => {
    await using asked = await world(holding(txt(name, "v")), two);
    const error = await failure(waitForValue(waiting(asked), name, "v"));
    expect(error).toBeInstanceOf(Failure);
    expect(error.explanation).toMatchObject({
      what: `the zone: waited 0 s in vain for the value v of TXT at ${name}`,
      why: `ns2.x.test (192.0.2.2) ${why}`,
    });
  });

  test("a server without an address", async () => {
    await using asked = await world(holding(txt(name, "v")), "silent", base.slice(0, 3));
    const error = await failure(waitForValue(waiting(asked), name, "v"));
    expect(error.explanation.why).toBe("ns2.x.test has no address");
  });

  test("no server at all that can be reached from here, and no resolver that tells", async () => {
    await using asked = await world("silent", "silent", []);
    expect((await failure(waitForValue(waiting(asked), name, "v"))).explanation.why).toBe(
      "no name server of x.test can be reached from here",
    );
    expect((await failure(waitForValue(waiting(asked, { resolvers: [] }), name, "v"))).explanation.why).toBe(
      "there is no resolver to ask",
    );
  });
});

test("the next resolver is asked where the first does not tell", async () => {
  const zones = { ".": [], test: [], "x.test": base };
  const there = holding(txt(name, "v"));
  await using asked = await worldOf({
    "198.51.100.1": () => [{ rcode: 5 }],
    [resolver.address]: resolverOf(zones),
    "192.0.2.1": there,
    "192.0.2.2": there,
  });
  await waitForValue(waiting(asked, { resolvers: [{ address: "198.51.100.1", port: 53 }, resolver] }), name, "v");
  await using dumb = await worldOf({ "198.51.100.1": () => [{ rcode: 5 }], "198.51.100.2": "silent" });
  const resolvers = ["198.51.100.1", "198.51.100.2"].map((address) => ({ address, port: 53 }));
  const error = await failure(waitForValue(waiting(dumb, { resolvers }), name, "v"));
  expect(error.explanation.why).toContain("198.51.100.1 does not tell in which zone");
});

test("told to stop, it stops", async () => {
  await using asked = await world(holding(), holding());
  const stop = new AbortController();
  const work = failure(waitForValue(waiting(asked, { patience: 60, round: 30, signal: stop.signal }), name, "v"));
  setTimeout(() => stop.abort(), 100);
  expect(await work).toBeInstanceOf(Cancelled);
});

describe("addresses", () => {
  const host = "os2mo.x.test";
  const right = holding(a(host, "10.0.0.1"), aaaa(host, "fd00::1"));

  test("exactly these at each server, in whatever order they come", async () => {
    await using asked = await world(right, holding(aaaa(host, "fd00:0:0::1"), a(host, "10.0.0.1")));
    await waitForAddresses(waiting(asked), host, ["10.0.0.1", "fd00::1"]);
  });

  test.each([
    ["one is missing", holding(a(host, "10.0.0.1")), "has 10.0.0.1"],
    [
      "one is too many",
      holding(a(host, "10.0.0.1"), a(host, "10.0.0.2"), aaaa(host, "fd00::1")),
      "has 10.0.0.1 and 10.0.0.2 and fd00::1",
    ],
    ["there is none", holding(), "has none"],
  ])("%s", async (_, two, why) => {
    await using asked = await world(right, two);
    const error = await failure(waitForAddresses(waiting(asked), host, ["10.0.0.1", "fd00::1"]));
    expect(error.explanation.why).toBe(`ns2.x.test (192.0.2.2) ${why}`);
  });

  test("none are waited for too", async () => {
    await using asked = await world(holding(), right);
    const error = await failure(waitForAddresses(waiting(asked), host, []));
    expect(error.explanation).toMatchObject({
      what: `the zone: waited 0 s in vain for the removal of all addresses at ${host}`,
      why: "ns2.x.test (192.0.2.2) has 10.0.0.1 and fd00::1",
    });
  });
});
