import { describe, expect, test } from "vitest";
import { z } from "zod";
import { zoneSettings } from "../../../../infra/provider/zones/settings.ts";

const key = { name: "os2mo", algorithm: "hmac-sha256", secret: "b3MybW8gdGVzdCBrZXk=" };
const rfc2136 = { kind: "rfc2136", zone: "on-prem.x.dk", server: "192.0.2.53", key };
const cloudflare = { kind: "cloudflare", zone: "on-prem.x.dk", token: "abc_DEF-123" };

test.each([
  rfc2136,
  { ...rfc2136, server: "ns1.x.dk", port: 5353, key: { ...key, name: "os2mo.x.dk", algorithm: "hmac-sha512" } },
  { ...rfc2136, server: "fd00::53" },
  cloudflare,
  { ...cloudflare, api: "https://api.example/client/v4" },
  { ...cloudflare, api: "http://127.0.0.1:8080" },
  { kind: "manual", zone: "x.dk" },
])("%j is taken as it is", (given) => {
  expect(zoneSettings.parse(given)).toEqual(given);
});

describe("what is wrong is said where it is", () => {
  test.each<[object, string]>([
    [{ ...rfc2136, kind: "route53" }, "kind"],
    [{ ...rfc2136, zone: "X.dk" }, "zone"],
    [{ ...rfc2136, zone: "x.dk." }, "zone"],
    [{ ...rfc2136, server: "not an address" }, "server"],
    [{ ...rfc2136, port: 0 }, "port"],
    [{ ...rfc2136, token: "a" }, ""],
    [{ ...rfc2136, key: { ...key, name: "os2mo." } }, "key.name"],
    [{ ...rfc2136, key: { ...key, algorithm: "hmac-md5" } }, "key.algorithm"],
    [{ ...rfc2136, key: { ...key, secret: "no base64" } }, "key.secret"],
    [{ ...rfc2136, key: { ...key, secret: "" } }, "key.secret"],
    [{ ...cloudflare, token: "Bearer abc" }, "token"],
    [{ ...cloudflare, token: "abc\n" }, "token"],
    [{ ...cloudflare, api: "http://api.example" }, "api"],
    [{ ...cloudflare, api: "nowhere" }, "api"],
    [{ kind: "manual", zone: "x.dk", server: "192.0.2.1" }, ""],
    [{ kind: "manual" }, "zone"],
  ])("%j", (given, path) => {
    expect(zoneSettings.safeParse(given).error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
  });
});

test("every field is described, and the two secrets are marked", () => {
  const found: string[] = [];
  const undescribed: string[] = [];
  const walk = (schema: Record<string, unknown>, path: string) => {
    if (schema.secret === true) found.push(path);
    if (typeof schema.description !== "string" && schema.const === undefined) undescribed.push(path);
    for (const variant of (schema.oneOf ?? schema.anyOf ?? []) as Record<string, unknown>[]) walk(variant, path);
    const properties = (schema.properties ?? {}) as Record<string, Record<string, unknown>>;
    for (const [name, inner] of Object.entries(properties)) walk(inner, `${path}.${name}`);
  };
  walk(z.toJSONSchema(zoneSettings, { io: "input" }) as Record<string, unknown>, "zone");
  expect([found, undescribed]).toEqual([["zone.key.secret", "zone.token"], []]);
});
