import { randomInt } from "node:crypto";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { exchangeFromHere } from "../../infra/provider/dns/exchange.ts";
import { Failure } from "../../infra/provider/failure.ts";
import type { SshHost } from "../../infra/provider/host/ssh-host.ts";
import { hostRecord } from "../../infra/provider/resources/host-record.ts";
import { signing } from "../../infra/provider/zones/tsig.ts";
import { encodeUpdate } from "../../infra/provider/zones/update.ts";
import { type KeySettings, vendorZone, type ZoneContext, type ZoneSettings } from "../../infra/provider/zones/zone.ts";
import { type LabNames, placeNames } from "../../lab/names.ts";
import { OwnLab } from "./own-lab.ts";
import { Managed } from "./resources/lifecycle.ts";
import { Stack } from "./stack.ts";

// The vendor's zone on a real primary (BIND) that takes signed updates, with a real secondary. A lab of its own.

const customerHost = "os2mo.kommune.test";
let lab: OwnLab;
let names: LabNames;
let host: SshHost;
let name: string;
let challenge: string;
const said: string[] = [];

beforeAll(async () => {
  lab = await OwnLab.up();
  names = await placeNames(lab.status.name, {}, () => undefined);
  host = await lab.host("prod");
  name = `${customerHost}.${names.vendor.zone}`;
  challenge = `_acme-challenge.${name}`;
}, 200_000);

afterEach(async () => {
  said.length = 0;
  await names.heal();
  await names.vendor.write([]);
});

afterAll(async () => {
  await host?.close();
  await lab.down();
});

const settings = (key: Partial<KeySettings> = {}, more: object = {}): ZoneSettings => {
  const { zone, server, keys } = names.vendor;
  return { kind: "rfc2136", zone, server, key: { ...keys.records, ...key }, ...more };
};

const context = (more: Partial<ZoneContext> = {}): ZoneContext => ({
  exchange: exchangeFromHere,
  resolvers: [{ address: names.servers.outside.v4, port: 53 }],
  say: (_, text) => void said.push(text),
  patience: 20,
  ...more,
});

const zone = (key: Partial<KeySettings> = {}, more: Partial<ZoneContext> = {}) =>
  vendorZone(settings(key), context(more));

const failure = async (work: Promise<unknown>): Promise<Failure["explanation"]> => {
  const error = await work.then(
    () => expect.unreachable("it did not fail"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Failure);
  for (const { secret } of Object.values(names.vendor.keys)) {
    expect(inspect(error, { depth: 10 })).not.toContain(secret);
  }
  return (error as Failure).explanation;
};

describe("challenges", () => {
  test("two values side by side, as two orders have them: each is seen at every name server, and taken away alone", async () => {
    const [one, other] = [zone({ ...names.vendor.keys.challenges }), zone()];
    await Promise.all([one.present(challenge, "first"), other.present(challenge, "second")]);
    await one.present(challenge, "first");
    await Promise.all([one.wait(challenge, "first"), other.wait(challenge, "second")]);
    expect(await one.values(challenge)).toEqual(["first", "second"]);
    await one.cleanUp(challenge, "first");
    await one.cleanUp(challenge, "first");
    expect(await other.values(challenge)).toEqual(["second"]);
    await other.cleanUp(challenge, "second");
    expect(await other.values(challenge)).toEqual([]);
    expect(said).toEqual([]);
  });

  test("a value longer than one piece comes back whole", async () => {
    const long = `"${"x".repeat(300)}\\`;
    await zone().present(challenge, long);
    expect(await zone().values(challenge)).toEqual([long]);
    await zone().wait(challenge, long);
  });

  test.each([
    ["stopped", () => names.stop("vendor2"), "does not listen"],
    ["silent", () => names.silence("vendor2"), "sends no answer"],
    ["stale", () => names.makeStale("vendor2"), "lacks it"],
    ["without the zone", () => names.makeLame("vendor2"), "does not serve the zone (REFUSED)"],
  ])(
    "the secondary is %s: the wait names it, by each of its addresses; healed, it is no matter",
    async (_, breaks, why) => {
      await breaks();
      await zone().present(challenge, "v");
      const explanation = await failure(zone({}, { patience: 2 }).wait(challenge, "v"));
      const { v4, v6 } = names.servers.vendor2;
      expect(explanation.why.split("\n").sort()).toEqual(
        [v4, v6].map((address) => `ns2.vendor.test (${address}) ${why}`).sort(),
      );
      await names.heal();
      await zone().wait(challenge, "v");
    },
  );

  test("the secondary that is late is waited for, and named every ten seconds", async () => {
    await names.stop("vendor2");
    await zone().present(challenge, "v");
    const waiting = zone({}, { patience: 60 }).wait(challenge, "v");
    await expect.poll(() => said, { timeout: 20_000 }).toHaveLength(1);
    expect(said[0]).toMatch(
      /^RFC 2136 at [\d.]+ \(zone .*\): 1\d s so far for the value v of TXT at .*; ns2\.vendor\.test/,
    );
    await names.heal();
    await waiting;
  });
});

describe("refusals of a real server, in plain words", () => {
  test("a secret that is not the server's, a key that it does not know", async () => {
    const wrong = Buffer.alloc(32).toString("base64");
    expect((await failure(zone({ secret: wrong }).present(challenge, "v"))).why).toContain("(BADSIG)");
    expect((await failure(zone({ secret: wrong }).values(challenge))).why).toContain("(BADSIG)");
    expect((await failure(zone({ name: "nobody" }).present(challenge, "v"))).why).toContain("(BADKEY)");
    expect((await failure(zone({ algorithm: "hmac-sha512" }).present(challenge, "v"))).why).toContain("(BADKEY)");
    expect(await zone().values(challenge)).toEqual([]);
  });

  test("a clock that is an hour behind: how much is told, signed by the server", async () => {
    const { server, zone: top, keys } = names.vendor;
    const exchange = signing(exchangeFromHere, keys.records, () => Math.floor(Date.now() / 1000) - 3600);
    const message = encodeUpdate(randomInt(0x10000), top, challenge, [{ do: "add", type: "TXT", ttl: 1, data: "v" }]);
    const error = await exchange({ address: server, port: 53 }, message, "tcp").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ problem: "BADTIME" });
    expect(Math.abs((error as { ahead: number }).ahead - 3600)).toBeLessThan(10);
  });

  test("a name that the key may not write, another zone, a zone that the server does not have", async () => {
    const { keys, zone: top } = names.vendor;
    const refused = await failure(zone({ ...keys.challenges }).setAddresses(name, ["10.0.0.1"]));
    expect(refused.why).toBe("the server refused it: the key challenges may not write this name (REFUSED)");
    expect((await failure(zone().present(`_acme-challenge.other.${top}`, "v"))).why).toContain("(REFUSED)");
    expect((await failure(zone().present(`_acme-challenge.${customerHost}`, "v"))).why).toContain("does not lie in");
    const elsewhere = vendorZone(settings({}, { zone: "kommune.test" }), context());
    expect((await failure(elsewhere.present(`_acme-challenge.${customerHost}`, "v"))).why).toContain("(NOTAUTH)");
    const above = vendorZone(settings({}, { zone: "vendor.test" }), context());
    expect((await failure(above.present(challenge, "v"))).why).toMatch(/\((REFUSED|NOTZONE)\)/);
  });

  test("a CNAME that stands there", async () => {
    await names.vendor.write([
      `${customerHost} CNAME elsewhere.test.`,
      `_acme-challenge.${customerHost} CNAME x.test.`,
    ]);
    expect((await failure(zone().setAddresses(name, ["10.0.0.1"]))).why).toContain("(YXRRSET)");
    expect((await failure(zone().present(challenge, "v"))).why).toContain("(YXRRSET)");
  });

  test("a primary that is stopped, and one that is silent", async () => {
    await names.stop("vendor1");
    expect((await failure(zone().present(challenge, "v"))).why).toContain("nobody listens there");
    expect((await failure(zone().values(challenge))).why).toContain("nobody listens there");
    await names.heal();
    await names.silence("vendor1");
    expect((await failure(zone().cleanUp(challenge, "v"))).why).toContain("sent no answer");
  });
});

test("by hand: what must be set is said, and seen once somebody has set it", async () => {
  const byHand = vendorZone({ kind: "manual", zone: names.vendor.zone }, context({ patience: 60 }));
  const somebody = zone();
  await byHand.present(challenge, "v");
  setTimeout(() => void somebody.present(challenge, "v"), 1500);
  await byHand.wait(challenge, "v");
  await byHand.cleanUp(challenge, "v");
  setTimeout(() => void somebody.setAddresses(name, ["10.0.0.1", "fd00::1"]), 1500);
  await byHand.setAddresses(name, ["10.0.0.1", "fd00::1"]);
  expect(await byHand.addresses(name)).toEqual(["10.0.0.1", "fd00::1"]);
  expect(said.map((text) => text.split("\n").slice(1))).toEqual([
    [`${challenge}. 60 IN TXT "v"`],
    [`${challenge}. 60 IN TXT "v"`],
    [`${name}. 300 IN A 10.0.0.1`, `${name}. 300 IN AAAA fd00::1`],
  ]);
});

describe("HostRecord", () => {
  test("create, again, drift, heal, update, delete, delete again", async () => {
    const record = new Managed(hostRecord, host);
    const set = [`set the addresses of ${name}`];
    const given = { name, addresses: ["10.0.0.1"], zone: settings() };
    expect(await record.apply(given)).toEqual(set);
    expect(await record.apply(given)).toEqual([]);
    expect(record.seen).toMatchObject({ name, addresses: ["10.0.0.1"] });

    await zone().setAddresses(name, ["10.0.0.9"]);
    expect(await record.look()).toMatchObject({ addresses: ["10.0.0.9"] });
    expect(await record.apply(given)).toEqual(set);
    await zone().setAddresses(name, []);
    expect(await record.look()).toBeUndefined();
    expect(await record.apply(given)).toEqual(set);

    const both = { ...given, addresses: ["fd00::1", "10.0.0.1"] };
    expect(await record.apply(both)).toEqual(set);
    expect(await zone().addresses(name)).toEqual(["10.0.0.1", "fd00::1"]);
    expect(await record.destroy()).toEqual([`remove the addresses of ${name}`]);
    expect(await record.destroy()).toEqual([]);
    expect(await zone().addresses(name)).toEqual([]);
  });

  test("an import reads what the world sees, and needs no key", async () => {
    await zone().setAddresses(name, ["10.0.0.1"]);
    const resolvers = [names.servers.outside.v4];
    await expect
      .poll(() => hostRecord.observe(host, { name, resolvers }), { timeout: 10_000 })
      .toEqual({
        name,
        addresses: ["10.0.0.1"],
        zone: { kind: "manual", zone: name.slice("os2mo.".length) },
        resolvers,
      });
  });

  test("in a stack: drift in a preview, and the key nowhere in the plain; in no state even where the program gives it so", async () => {
    const { addresses, hostKey, login, fqdn } = lab.machine("prod");
    const connection = {
      host: addresses.v4,
      user: "deploy",
      hostKey,
      privateKeyFile: login.privateKeyFile,
      label: fqdn,
    };
    const { secret } = names.vendor.keys.records;
    const engine = { env: { ...process.env, ...inject("engine") }, secrets: { dnsKey: secret } };
    await using stack = await Stack.create({ ...engine, connection });
    const declared = (address: string, key: object = { secret: { $secret: "dnsKey" } }) => [
      { name: "address", type: "HostRecord", args: { name, addresses: [address], zone: settings(key) } },
    ];
    const places: string[] = [];
    // The SDK writes what comes back into its debug messages, where the engine hides what the configuration calls secret.
    const first = await stack.up(declared("10.0.0.1", {}));
    places.push(await stack.export());
    expect([first.errors, first.changes.address]).toEqual([[], "create"]);
    expect((await stack.preview(declared("10.0.0.1"), "--expect-no-changes")).code).toBe(0);

    await zone().setAddresses(name, ["10.0.0.9"]);
    const drifted = await stack.preview(declared("10.0.0.1"), "--diff");
    expect([drifted.changes, drifted.diffs]).toEqual([{ address: "update" }, { address: ["addresses[0]"] }]);

    await names.stop("vendor1");
    const failed = await stack.up(declared("10.0.0.2"));
    expect(failed.errors.join("\n")).toContain("nobody listens there");
    places.push(drifted.output, failed.output, await stack.export());
    await names.heal();
    const healed = await stack.up(declared("10.0.0.2"));
    expect(healed.errors).toEqual([]);
    expect(await zone().addresses(name)).toEqual(["10.0.0.2"]);
    places.push(healed.output, (await stack.destroy()).output, await stack.export());
    expect(await zone().addresses(name)).toEqual([]);
    expect(places.filter((text) => text.includes(secret))).toEqual([]);
  }, 120_000);
});
