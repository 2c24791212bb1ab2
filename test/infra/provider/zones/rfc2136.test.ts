import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { type Exchange, NoAnswer } from "../../../../infra/provider/dns/exchange.ts";
import { Failure } from "../../../../infra/provider/failure.ts";
import { Cancelled } from "../../../../infra/provider/host/errors.ts";
import { encodeUpdate } from "../../../../infra/provider/zones/update.ts";
import { type Rfc2136Settings, vendorZone } from "../../../../infra/provider/zones/zone.ts";
import { a, aaaa, txt } from "../dns/fake-world.ts";
import { type Behaviour, signedPrimary } from "./signed-primary.ts";

const key = {
  name: "os2mo",
  algorithm: "hmac-sha256",
  secret: "b3MybW8gdGVzdCBrZXkgb2YgMzIgYnl0ZXMuLi4uLi4=",
} as const;
const settings: Rfc2136Settings = { kind: "rfc2136", zone: "x.test", server: "192.0.2.1", key };
const name = "_acme-challenge.os2mo.x.test";

const zoneBy = (exchange: Exchange, more: Partial<Rfc2136Settings> = {}, signal?: AbortSignal) =>
  vendorZone({ ...settings, ...more }, { exchange, resolvers: [], say: () => undefined, ...(signal && { signal }) });

function zoneOn(behaviour: Partial<Behaviour> = {}, more: Partial<Rfc2136Settings> = {}) {
  const primary = signedPrimary({ key, ...behaviour });
  return { zone: zoneBy(primary.exchange, more), asked: primary.asked };
}

const failure = async (work: Promise<unknown>): Promise<Failure> => {
  const error = await work.then(
    () => expect.unreachable("it did not fail"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Failure);
  expect(inspect(error, { depth: 10 })).not.toContain(key.secret.slice(0, 20));
  return error as Failure;
};

const message = (...[owner, changes]: [string, Parameters<typeof encodeUpdate>[3]]) =>
  encodeUpdate(0, "x.test", owner, changes).subarray(12).toString("hex");

test("is called by its server and its zone", () => {
  expect([zoneOn().zone.title, zoneOn({}, { port: 5353 }).zone.title]).toEqual([
    "RFC 2136 at 192.0.2.1 (zone x.test)",
    "RFC 2136 at 192.0.2.1 port 5353 (zone x.test)",
  ]);
});

describe("updates go by TCP to the primary, signed, each as one", () => {
  test("a value is added beside others, where no CNAME stands; and exactly it is taken away", async () => {
    const { zone, asked } = zoneOn({}, { port: 5353 });
    await zone.present(`${name}.`, "v");
    await zone.cleanUp(name.toUpperCase(), "v");
    expect(asked).toEqual([
      {
        by: "192.0.2.1:5353 tcp",
        message: message(name, [
          { do: "require none", type: "CNAME" },
          { do: "add", type: "TXT", ttl: 5, data: "v" },
        ]),
      },
      { by: "192.0.2.1:5353 tcp", message: message(name, [{ do: "remove", type: "TXT", data: "v" }]) },
    ]);
  });

  test("addresses replace those that are there; none is an update too, and asks for no CNAME's absence", async () => {
    const { zone, asked } = zoneOn();
    const clear = [
      { do: "remove all", type: "A" },
      { do: "remove all", type: "AAAA" },
    ] as const;
    await zone.setAddresses("os2mo.x.test", ["10.0.0.1", "fd00::1"]);
    await zone.setAddresses("os2mo.x.test", []);
    expect(asked.map((one) => one.message)).toEqual([
      message("os2mo.x.test", [
        { do: "require none", type: "CNAME" },
        ...clear,
        { do: "add", type: "A", ttl: 300, data: "10.0.0.1" },
        { do: "add", type: "AAAA", ttl: 300, data: "fd00::1" },
      ]),
      message("os2mo.x.test", clear),
    ]);
  });

  test("a name outside the zone, or one that DNS cannot hold, is never sent", async () => {
    const { zone, asked } = zoneOn();
    const long = `${"a".repeat(64)}.x.test`;
    for (const [given, why] of [
      ["os2mo.y.test", "it does not lie in the zone x.test"],
      ["os2mo.notx.test", "it does not lie in the zone x.test"],
      [long, "it is no name that DNS can hold"],
    ] as const) {
      const { explanation } = await failure(zone.present(given, "v"));
      expect(explanation).toEqual({ what: `will not touch ${given} at ${zone.title}`, why });
    }
    expect(asked).toEqual([]);
  });
});

test("what stands there is read from the primary: sorted, IPv6 in its shortest form", async () => {
  const { zone } = zoneOn({
    holds: [txt(name, "b"), txt(name, "a"), a("h.x.test", "10.0.0.1"), aaaa("h.x.test", "FD00:0::1")],
  });
  expect(await zone.values(name)).toEqual(["a", "b"]);
  expect(await zone.addresses("h.x.test")).toEqual(["10.0.0.1", "fd00::1"]);
  expect(await zoneOn({ rcode: 3 }).zone.values(name)).toEqual([]);
});

describe("a refusal is said in plain words", () => {
  test.each([
    [1, "the server could not read the update (FORMERR)"],
    [2, "the server failed (SERVFAIL)"],
    [4, "the server takes no updates (NOTIMP)"],
    [5, "the server refused it: the key os2mo may not write this name (REFUSED)"],
    [7, "a CNAME stands there, and nothing may stand beside one (YXRRSET)"],
    [9, "the server is not the primary of the zone x.test (NOTAUTH)"],
    [10, "the name does not lie in the zone x.test (NOTZONE)"],
    [11, "the server refused it with the code 11"],
  ])("%i: %s", async (rcode, why) => {
    const { zone, asked } = zoneOn({ rcode });
    const { explanation } = await failure(zone.present(name, "v"));
    expect(explanation).toMatchObject({ what: `could not change ${name} at ${zone.title}`, why });
    expect(asked).toHaveLength(1);
  });

  test("of a question too", async () => {
    const { explanation } = await failure(zoneOn({ rcode: 5 }).zone.values(name));
    expect(explanation.why).toBe("the server does not serve the zone (REFUSED)");
  });

  test.each([
    [
      "not signed at all",
      { unsigned: true },
      "the answer is not signed with the key os2mo: it may come from somebody else",
    ],
    [
      "signed with another secret",
      { key: { ...key, secret: "AAAA" } },
      "the answer's signature is not that of the key os2mo: it may come from somebody else",
    ],
  ])("an answer that is %s counts as none", async (_, behaviour, why) => {
    for (const work of [zoneOn(behaviour).zone.present(name, "v"), zoneOn(behaviour).zone.values(name)]) {
      expect((await failure(work)).explanation.why).toBe(why);
    }
  });
});

describe("a server out of reach", () => {
  test("that keeps silent is sent the same update thrice: done twice, it does no more than once", async () => {
    const primary = signedPrimary({ key });
    let attempts = 0;
    const exchange: Exchange = (...sent) => {
      attempts += 1;
      return attempts < 3 ? Promise.reject(new NoAnswer("silent", "sent no answer")) : primary.exchange(...sent);
    };
    await zoneBy(exchange).present(name, "v");
    attempts = -1000;
    const { explanation } = await failure(zoneBy(exchange).present(name, "v"));
    expect([attempts, explanation.why]).toEqual([-997, "sent no answer"]);
  });

  test("nobody listens there: said at once", async () => {
    let attempts = 0;
    const exchange: Exchange = async () => {
      attempts += 1;
      throw new NoAnswer("refused", "192.0.2.1 port 53/tcp refused: nobody listens there");
    };
    const { message } = await failure(zoneBy(exchange).present(name, "v"));
    expect(message.split("\n").map((line) => line.trim())).toEqual([
      `could not change ${name} at RFC 2136 at 192.0.2.1 (zone x.test)`,
      "192.0.2.1 port 53/tcp refused: nobody listens there",
      "Does the zone's primary run there, and do firewalls on the way let TCP and UDP to its port through? Then run the update again.",
    ]);
    expect(attempts).toBe(1);
    expect((await failure(zoneBy(exchange).values(name))).explanation).toMatchObject({
      what: `could not read ${name} at RFC 2136 at 192.0.2.1 (zone x.test)`,
      why: "192.0.2.1 port 53/tcp refused: nobody listens there",
    });
  });

  test("whose name has no address", async () => {
    const { explanation } = await failure(zoneOn({}, { server: "ns1.invalid" }).zone.present(name, "v"));
    expect(explanation.why).toMatch(/^ns1\.invalid has no address: /);
  });
});

describe("told to stop", () => {
  test("nothing more is sent, and a silent server is waited for no longer; but what was begun is cleaned", async () => {
    const primary = signedPrimary({ key });
    const stop = new AbortController();
    let silent = true;
    const exchange: Exchange = (...sent) => (silent ? new Promise(() => undefined) : primary.exchange(...sent));
    const zone = zoneBy(exchange, {}, stop.signal);
    const work = zone.present(name, "v").catch((error: unknown) => error);
    setTimeout(() => stop.abort(), 20);
    expect(await work).toBeInstanceOf(Cancelled);
    silent = false;
    await expect(zone.present(name, "v")).rejects.toThrow(Cancelled);
    await expect(zone.values(name)).rejects.toThrow(Cancelled);
    expect(primary.asked).toEqual([]);
    await zone.cleanUp(name, "v");
    expect(primary.asked).toHaveLength(1);
  });
});
