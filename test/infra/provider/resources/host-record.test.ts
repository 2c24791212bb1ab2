import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { apply, destroy, Refused } from "../../../../infra/provider/lifecycle.ts";
import { Problems } from "../../../../infra/provider/problems.ts";
import { hostRecord } from "../../../../infra/provider/resources/host-record.ts";
import { checked } from "../checked.ts";
import { NotesHost } from "../notes.ts";
import { type CloudflareEmulation, cloudflareEmulation } from "../zones/cloudflare-emulation.ts";

const name = "os2mo.kommune.dk.on-prem.x.dk";
const secret = "b3MybW8gdGVzdCBrZXkgb2YgMzIgYnl0ZXM=";
const zone = {
  kind: "rfc2136",
  zone: "on-prem.x.dk",
  server: "192.0.2.53",
  key: { name: "os2mo", algorithm: "hmac-sha256", secret },
} as const;
const given = { name, addresses: ["10.0.0.1"], zone };
const want = checked(hostRecord, given) as Parameters<typeof hostRecord.plan>[0];
const seen = { name, addresses: ["10.0.0.1"], zone, resolvers: [] };
const elsewhere = { ...seen, addresses: ["10.0.0.9"] };
const setting = { do: "act", title: `set the addresses of ${name}`, act: expect.any(Function), property: "addresses" };

describe("check", () => {
  test("addresses become one form, each once, in order, and defaults are filled in", () => {
    const addresses = ["fd00:0:0::1", "10.0.0.2", "10.0.0.1", "FD00::1"];
    expect(checked(hostRecord, { ...given, addresses })).toEqual({
      ...given,
      addresses: ["10.0.0.1", "10.0.0.2", "fd00::1"],
      resolvers: [],
      adopt: false,
    });
  });

  test.each<[object, string]>([
    [{ ...given, name: "Os2mo.on-prem.x.dk" }, "name"],
    [{ ...given, name: "os2mo.y.dk" }, "name"],
    [{ ...given, name: "on-prem.x.dk" }, "name"],
    [{ ...given, addresses: [] }, "addresses"],
    [{ ...given, addresses: ["os2mo.dk"] }, "addresses[0]"],
    [{ ...given, zone: { kind: "manual" } }, "zone.zone"],
    [{ ...given, zone: { ...zone, key: { ...zone.key, name: "" } } }, "zone.key.name"],
    [{ ...given, resolvers: ["ns1"] }, "resolvers[0]"],
    [{ ...given, ttl: 60 }, "ttl"],
  ])("%j", (mistaken, property) => {
    const found = checked(hostRecord, mistaken) as unknown as { property: string }[];
    expect(found.map((problem) => problem.property)).toEqual([property]);
  });

  test("a secret that is wrong is not shown", () => {
    const problems = new Problems([], [["zone"]]);
    hostRecord.check({ ...given, zone: { ...zone, key: { ...zone.key, secret: "no base64" } } }, problems);
    expect(problems.found).toEqual([{ property: "zone.key.secret", reason: "must be Base64; given: [secret]" }]);
  });
});

describe("plan", () => {
  test("nothing where exactly these stand; else one step, which is done from here", () => {
    expect(hostRecord.plan(want, seen)).toEqual([]);
    for (const there of [undefined, elsewhere, { ...seen, addresses: ["10.0.0.1", "10.0.0.2"] }]) {
      expect(hostRecord.plan(want, there)).toEqual([setting]);
    }
  });

  test("no title tells of the zone's key", () => {
    expect(inspect([hostRecord.plan(want, undefined), hostRecord.remove(seen)], { depth: 5 })).not.toContain(secret);
  });
});

describe("what stands there and is not ours", () => {
  const other = { ...want, adopt: true };

  test("is refused where it leads elsewhere, unless it may be taken over, or is ours, or only lacks some of ours", () => {
    expect(hostRecord.refuse?.(want, elsewhere, false)).toEqual({
      why: `${name} leads to 10.0.0.9 already, and was not made by this program`,
      remedy:
        "Set `adopt: true` (`dns.adopt` of a stack) to take it over, and where it led is put back on removal; or remove it from the zone.",
    });
    expect([
      hostRecord.refuse?.(want, elsewhere, true),
      hostRecord.refuse?.(other, elsewhere, false),
      hostRecord.refuse?.(want, undefined, false),
      hostRecord.refuse?.({ ...want, addresses: ["10.0.0.1", "10.0.0.2"] }, seen, false),
    ]).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("is remembered once, and put back on removal; what agreed is ours from then on", () => {
    const memory = hostRecord.remember?.(other, elsewhere, undefined);
    expect([memory, hostRecord.remember?.(other, seen, memory), hostRecord.remember?.(want, seen, undefined)]).toEqual([
      { before: ["10.0.0.9"] },
      { before: ["10.0.0.9"] },
      { before: [] },
    ]);
    expect(hostRecord.remove(seen, memory)).toEqual([setting]);
    // An interrupted removal had put it back.
    expect(hostRecord.remove(elsewhere, memory)).toEqual([]);
    expect(hostRecord.remove(seen)).toEqual([{ ...setting, title: `remove the addresses of ${name}` }]);
  });
});

test("an id is the name", () => {
  expect([hostRecord.named(name), hostRecord.named("not a name")]).toEqual([{ name }, undefined]);
});

describe("lifecycle, against an emulation of Cloudflare", () => {
  let cloudflare: CloudflareEmulation;
  let host: NotesHost;
  beforeEach(async () => {
    cloudflare = await cloudflareEmulation({ "on-prem.x.dk": "z1" });
    host = new NotesHost();
  });
  afterEach(async () => {
    await cloudflare[Symbol.asyncDispose]();
  });
  const wanting = (more: object = {}) => {
    const at = { kind: "cloudflare", zone: "on-prem.x.dk", token: cloudflare.token, api: cloudflare.api };
    return checked(hostRecord, { ...given, zone: at, ...more }) as typeof want;
  };
  const standing = () => cloudflare.records.map(({ content }) => content).sort();

  test("create, again, drift, heal, update, delete, delete again; the host is asked for nothing", async () => {
    const set = [`set the addresses of ${name}`];
    expect((await apply(hostRecord, host, wanting())).changed).toEqual(set);
    const before = { ours: true, memory: { before: [] } };
    expect((await apply(hostRecord, host, wanting(), before)).changed).toEqual([]);
    cloudflare.records.length = 0;
    expect(await hostRecord.observe(host, wanting())).toBeUndefined();
    expect((await apply(hostRecord, host, wanting(), before)).changed).toEqual(set);
    const more = wanting({ addresses: ["10.0.0.2", "fd00::2"] });
    expect((await apply(hostRecord, host, more, before)).changed).toEqual(set);
    expect(standing()).toEqual(["10.0.0.2", "fd00::2"]);
    expect(await destroy(hostRecord, host, more, before)).toEqual([`remove the addresses of ${name}`]);
    expect(await destroy(hostRecord, host, more, before)).toEqual([]);
    expect([standing(), host.notes.size]).toEqual([[], 0]);
  });

  test("what leads elsewhere is left alone until it may be taken over, and comes back", async () => {
    const old = { id: "old", type: "A", name, content: "10.0.0.9", ttl: 1, proxied: false };
    cloudflare.records.push(old);
    await expect(apply(hostRecord, host, wanting())).rejects.toThrow(Refused);
    expect(standing()).toEqual(["10.0.0.9"]);
    const { memory } = await apply(hostRecord, host, wanting({ adopt: true }));
    expect(standing()).toEqual(["10.0.0.1"]);
    await destroy(hostRecord, host, wanting(), memory === undefined ? {} : { memory });
    expect(standing()).toEqual(["10.0.0.9"]);
  });

  test("a step that fails tells neither the token nor that the host is to blame", async () => {
    cloudflare.instead = ({ call }) =>
      call.startsWith("POST")
        ? { status: 403, body: { success: false, errors: [{ code: 10000, message: "no" }] } }
        : undefined;
    const error = await apply(hostRecord, host, wanting(), { secret: true }).catch((failed: unknown) => failed);
    expect((error as Error).message).toContain("10000: no (HTTP 403)");
    expect(inspect(error, { depth: 10 })).not.toContain(cloudflare.token);
  });
});
