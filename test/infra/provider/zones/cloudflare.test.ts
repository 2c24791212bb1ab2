import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Exchange } from "../../../../infra/provider/dns/exchange.ts";
import { Failure } from "../../../../infra/provider/failure.ts";
import { Cancelled } from "../../../../infra/provider/host/errors.ts";
import { CloudflareZone, quoted, unquoted } from "../../../../infra/provider/zones/cloudflare.ts";
import { vendorZone } from "../../../../infra/provider/zones/zone.ts";
import { a, holderOf, ns, resolverOf, txt, worldOf } from "../dns/fake-world.ts";
import { type CloudflareEmulation, cloudflareEmulation, type StoredRecord } from "./cloudflare-emulation.ts";

// Against an emulation of the four calls that are used, and never Cloudflare itself.

const [name, host] = ["_acme-challenge.os2mo.on-prem.x.test", "os2mo.on-prem.x.test"];
let cloudflare: CloudflareEmulation;

beforeEach(async () => {
  cloudflare = await cloudflareEmulation({ "x.test": "z1", "other.test": "z2" });
});
afterEach(async () => {
  await cloudflare[Symbol.asyncDispose]();
});

const noDns: Exchange = () => expect.unreachable("DNS was asked");
const context = { exchange: noDns, resolvers: [], say: () => undefined };

function zone(more: { token?: string; zone?: string; signal?: AbortSignal } = {}) {
  const { signal, ...settings } = more;
  const all = {
    kind: "cloudflare",
    zone: "on-prem.x.test",
    token: cloudflare.token,
    api: cloudflare.api,
    ...settings,
  } as const;
  return new CloudflareZone(all, { ...context, ...(signal && { signal }) }, { firstPause: 0.01 });
}

function stored(type: string, content: string, more: Partial<StoredRecord> = {}): void {
  const at = type === "TXT" ? name : host;
  cloudflare.records.push({
    id: `old${cloudflare.records.length}`,
    type,
    name: at,
    content,
    ttl: 1,
    proxied: false,
    ...more,
  });
}

const standing = () => cloudflare.records.map(({ type, content }) => `${type} ${content}`).sort();
const calls = () => cloudflare.called.map(({ call }) => call);

const failure = async (work: Promise<unknown>): Promise<Failure> => {
  const error = await work.then(
    () => expect.unreachable("it did not fail"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Failure);
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(cloudflare.token);
  return error as Failure;
};

describe("the zone", () => {
  test("is the longest that the token sees upwards of the name, and is looked for once", async () => {
    const on = zone();
    await on.values(name);
    await on.values(name);
    expect(cloudflare.called.filter(({ call }) => call === "GET /zones").map(({ query }) => query.name)).toEqual([
      "on-prem.x.test",
      "x.test",
    ]);
    expect(calls().slice(2)).toEqual(["GET /zones/z1/dns_records", "GET /zones/z1/dns_records"]);
  });

  test("that the token does not see: which, and what the token needs", async () => {
    const { explanation } = await failure(zone({ zone: "a.y.test" }).values("b.a.y.test"));
    expect(explanation).toEqual({
      what: "could not find the zone at Cloudflare (zone a.y.test)",
      why: "the token sees no zone named a.y.test or y.test",
      remedy: "Is it in this account? The API token needs the permissions Zone.Zone Read and Zone.DNS Edit on it.",
    });
  });
});

describe("challenges", () => {
  test("a value is added beside others, once, in quotes, and exactly it is taken away", async () => {
    stored("TXT", '"another"');
    const on = zone();
    await on.present(name, "v");
    await on.present(name, "v");
    expect(standing()).toEqual(['TXT "another"', 'TXT "v"']);
    expect(cloudflare.called.find(({ call }) => call.startsWith("POST"))?.body).toEqual({
      name,
      type: "TXT",
      content: '"v"',
      ttl: 60,
    });
    expect(await on.values(name)).toEqual(["another", "v"]);
    await on.cleanUp(name, "v");
    await on.cleanUp(name, "v");
    expect(standing()).toEqual(['TXT "another"']);
    expect(cloudflare.called.every(({ authorization }) => authorization === `Bearer ${cloudflare.token}`)).toBe(true);
  });

  test("all pages are read", async () => {
    for (const value of ["a", "b", "c", "d", "e"]) stored("TXT", `"${value}"`);
    expect(await zone().values(name)).toEqual(["a", "b", "c", "d", "e"]);
    expect(cloudflare.called.slice(2).map(({ query }) => query)).toEqual(
      ["1", "2", "3"].map((page) => ({ type: "TXT", name, per_page: "50", page })),
    );
  });

  test("somebody was quicker: there already, or gone already, is as it should be", async () => {
    cloudflare.instead = ({ call }) => {
      if (call.startsWith("POST")) stored("TXT", '"v"');
      if (call.startsWith("DELETE")) cloudflare.records.length = 0;
      return undefined;
    };
    await zone().present(name, "v");
    expect(standing()).toEqual(['TXT "v"']);
    await zone().cleanUp(name, "v");
    expect(standing()).toEqual([]);
  });

  test("are waited for at the zone's name servers, as anywhere", async () => {
    const records = [ns("x.test", "ns.x.test"), a("ns.x.test", "192.0.2.1"), txt(name, "v")];
    await using world = await worldOf({
      "198.51.100.53": resolverOf({ ".": [], "x.test": records }),
      "192.0.2.1": holderOf("x.test", records),
    });
    const settings = { kind: "cloudflare", zone: "x.test", token: cloudflare.token, api: cloudflare.api } as const;
    const resolvers = [{ address: "198.51.100.53", port: 53 }];
    await vendorZone(settings, { ...context, exchange: world.exchange, resolvers }).wait(name, "v");
    expect(calls()).toEqual([]);
  });
});

describe("addresses", () => {
  test("exactly these stand there afterwards: what is right stays, what is new comes before what is old goes", async () => {
    stored("A", "10.0.0.1");
    stored("A", "10.0.0.9");
    await zone().setAddresses(host, ["10.0.0.1", "fd00::1"]);
    expect(standing()).toEqual(["A 10.0.0.1", "AAAA fd00::1"]);
    expect(calls().filter((call) => !call.startsWith("GET"))).toEqual([
      "POST /zones/z1/dns_records",
      "DELETE /zones/z1/dns_records/old1",
    ]);
    expect(cloudflare.called.find(({ call }) => call.startsWith("POST"))?.body).toEqual({
      name: host,
      type: "AAAA",
      content: "fd00::1",
      ttl: 300,
      proxied: false,
    });
    expect(await zone().addresses(host)).toEqual(["10.0.0.1", "fd00::1"]);
    await zone().setAddresses(host, []);
    expect([standing(), await zone().addresses(host)]).toEqual([[], []]);
  });

  test("behind Cloudflare's own servers a record is not what DNS has, and makes way for one that is", async () => {
    stored("A", "10.0.0.1", { proxied: true });
    expect(await zone().addresses(host)).toEqual([]);
    await zone().setAddresses(host, ["10.0.0.1"]);
    expect(cloudflare.records.map(({ content, proxied }) => [content, proxied])).toEqual([["10.0.0.1", false]]);
  });

  test("beside a CNAME: Cloudflare's own words", async () => {
    stored("CNAME", "elsewhere.test");
    const { explanation } = await failure(zone().setAddresses(host, ["10.0.0.1"]));
    expect(explanation).toEqual({
      what: `could not add a record at ${host} at Cloudflare (zone on-prem.x.test)`,
      why: "81053: An A, AAAA, or CNAME record with that host already exists. (HTTP 400)",
    });
  });
});

describe("what the API does not take now is tried again, a bounded number of times", () => {
  /** Answers the first calls so. */
  const first = (times: number, status: number, headers: Record<string, string> = {}, body: unknown = "<html>") => {
    let left = times;
    cloudflare.instead = () => (left-- > 0 ? { status, headers, body } : undefined);
  };

  test.each([
    ["too many calls", 429, { "retry-after": "0" }],
    ["too many calls, until a moment that has passed", 429, { "retry-after": "Thu, 01 Jan 2026 00:00:00 GMT" }],
    ["too many calls, and not said until when", 429, {}],
    ["out of order", 502, {}],
  ])("%s", async (_, status, headers) => {
    first(4, status, headers);
    expect(await zone().values(name)).toEqual([]);
    expect(cloudflare.called).toHaveLength(4 + 3);
  });

  test("it is waited as long as Retry-After says", async () => {
    first(1, 429, { "retry-after": "1" });
    const began = performance.now();
    await zone().values(name);
    expect(performance.now() - began).toBeGreaterThan(990);
  });

  test("in the end it is a failure, and so it is at once where the wait would be longer than two minutes", async () => {
    first(100, 503);
    expect((await failure(zone().values(name))).explanation).toEqual({
      what: "could not find the zone at Cloudflare (zone on-prem.x.test)",
      why: "(HTTP 503), 5 times",
    });
    expect(cloudflare.called).toHaveLength(5);
    first(100, 429, { "retry-after": "3600" }, { success: false, errors: [{ code: 971, message: "Please wait" }] });
    expect((await failure(zone().values(name))).explanation).toMatchObject({
      why: "971: Please wait (HTTP 429)",
      remedy: expect.stringContaining("run the update again in five minutes"),
    });
    expect(cloudflare.called).toHaveLength(6);
  });

  test("told to stop meanwhile, it stops", async () => {
    first(100, 429, { "retry-after": "60" });
    const stop = new AbortController();
    const work = zone({ signal: stop.signal })
      .values(name)
      .catch((error: unknown) => error);
    setTimeout(() => stop.abort(), 100);
    expect(await work).toBeInstanceOf(Cancelled);
    await expect(zone({ signal: stop.signal }).values(name)).rejects.toThrow(Cancelled);
  });
});

describe("failures have Cloudflare's code and message, say which permission is missing, and never the token", () => {
  const refuse = (what: string, status: number, code: number, message: string) => {
    cloudflare.instead = ({ call }) =>
      call.startsWith(what)
        ? { status, body: { success: false, errors: [{ code, message }], result: null } }
        : undefined;
  };

  test.each([
    ["GET /zones", 403, 9109, "Unauthorized to access requested resource", "permission Zone.Zone Read on this zone"],
    ["POST /zones/z1", 403, 10000, "Authentication error", "permission Zone.DNS Edit on this zone"],
    ["GET /zones", 401, 1000, "Invalid API Token", "The token is not valid, or no more"],
  ])("%s: HTTP %i", async (what, status, code, message, remedy) => {
    refuse(what, status, code, message);
    const { explanation } = await failure(zone().present(name, "v"));
    expect(explanation.why).toBe(`${code}: ${message} (HTTP ${status})`);
    expect(explanation.remedy).toContain(remedy);
  });

  test("not even where the API repeats it, or nobody listens, or it leads elsewhere, or it cannot be sent", async () => {
    refuse("GET", 400, 6003, `Invalid request headers: ${cloudflare.token}`);
    expect((await failure(zone().values(name))).explanation.why).toBe(
      "6003: Invalid request headers: [secret] (HTTP 400)",
    );
    cloudflare.instead = () => ({ status: 302, headers: { location: "http://127.0.0.1:9/" } });
    expect((await failure(zone().values(name))).explanation.why).toBe("no connection, 5 times");
    expect((await failure(zone({ token: `${cloudflare.token}\nx` }).values(name))).explanation.why).toContain(
      "no connection",
    );
    await cloudflare[Symbol.asyncDispose]();
    const { explanation } = await failure(zone().values(name));
    expect(explanation).toMatchObject({ why: "no connection (ECONNREFUSED), 5 times" });
    expect(explanation.remedy).toMatch(/^Is 127\.0\.0\.1:\d+ within reach from here\?$/);
    cloudflare = await cloudflareEmulation({});
  });
});

describe("TXT content as Cloudflare has it", () => {
  test.each([
    ["v", '"v"'],
    ["", '""'],
    ['a "b" \\c', '"a \\"b\\" \\\\c"'],
    ["x".repeat(300), `"${"x".repeat(255)}" "${"x".repeat(45)}"`],
  ])("%j", (value, content) => {
    expect([quoted(value), unquoted(content)]).toEqual([content, value]);
  });

  test("as somebody wrote it without quotes, and with decimal escapes", () => {
    expect([unquoted("v=spf1 -all"), unquoted('"a\\046b"')]).toEqual(["v=spf1 -all", "a.b"]);
  });
});
