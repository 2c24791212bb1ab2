import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { planAddresses } from "../../lab/address-plan.ts";
import { LabError } from "../../lab/lab-error.ts";
import { authorityAddresses, nameServerAddresses, testAuthorityAddresses } from "../../lab/names-plan.ts";
import {
  type AuthorityOptions,
  authorityUnits,
  certificateSettings,
  checkOptions,
  pebbleConfiguration,
  pebbleEnvironment,
} from "../../lab/pebble-files.ts";
import { type AuthorityFault, frontRule, readRequests } from "../../lab/pebble-front.ts";
import { mended, pebbleMends } from "../../lab/pebble-mend.ts";
import { authorityPlaces } from "../../lab/pebble-places.ts";
import { pebbleVersion } from "../../lab/pebble-programs.ts";
import { goVersion } from "../../scripts/engine/versions.ts";

const plan = planAddresses("198.18.8.0/24");
const hmacKey = Buffer.alloc(32, 1).toString("base64url");
const own = authorityAddresses(plan);

test("the pinned module is of the versions that the sources name, and its sums are there", () => {
  const folder = join(import.meta.dirname, "../../lab/modules/authority");
  const wants = `github.com/letsencrypt/pebble/v2 v${pebbleVersion}`;
  const lines = readFileSync(join(folder, "go.mod"), "utf8").split("\n");
  expect(lines).toContain(`require ${wants}`);
  expect(lines).toContain(`go ${goVersion}`);
  expect(readFileSync(join(folder, "go.sum"), "utf8")).toContain(`${wants} h1:`);
});

test.each(pebbleMends)("mended: only what has the fault, once: $file", (mend) => {
  const source = `a\nbefore ${mend.has} after\nb\n`;
  expect(mended(source, mend)).toBe(`a\nbefore ${mend.wants} after\nb\n`);
  expect(() => mended(mended(source, mend), mend)).toThrow(
    `could not be mended\n  ${mend.file} has "${mend.has}" 0 times`,
  );
  expect(() => mended(source + source, mend)).toThrow("2 times");
});

test("pebbleConfiguration: what is not asked for", () => {
  expect(JSON.parse(pebbleConfiguration({}))).toEqual({
    pebble: {
      listenAddress: "127.0.0.1:14000",
      managementListenAddress: "127.0.0.1:15000",
      certificate: "/etc/authority/tls.pem",
      privateKey: "/etc/authority/tls.key",
      httpPort: 80,
      tlsPort: 443,
      keyAlgorithm: "ecdsa",
      caaIdentities: ["ca.vendor.test"],
      externalAccountBindingRequired: false,
      externalAccountMACKeys: {},
      domainBlocklist: [],
      retryAfter: { authz: 1, order: 1 },
      profiles: { default: { description: "7776000 seconds", validityPeriod: 7776000 } },
    },
  });
});

test("pebbleConfiguration: what is asked for", () => {
  const options: AuthorityOptions = {
    profiles: { minutes: { validity: 300 }, hours: { validity: 7200 } },
    eab: { kid: "kommune", hmacKey },
    retryAfter: 0,
    domainBlocklist: ["blocked.test"],
  };
  expect(JSON.parse(pebbleConfiguration(options)).pebble).toMatchObject({
    externalAccountBindingRequired: true,
    externalAccountMACKeys: { kommune: hmacKey },
    domainBlocklist: ["blocked.test"],
    retryAfter: { authz: 0, order: 0 },
    profiles: {
      minutes: { description: "300 seconds", validityPeriod: 300 },
      hours: { description: "7200 seconds", validityPeriod: 7200 },
    },
  });
});

test.each<{ options: AuthorityOptions; lines: string[] }>([
  { options: {}, lines: ["PEBBLE_WFE_NONCEREJECT=5", "PEBBLE_AUTHZREUSE=50", "PEBBLE_VA_SLEEPTIME=16"] },
  {
    options: { nonceReject: 0, reuse: 100, sleep: 0 },
    lines: ["PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=100", "PEBBLE_VA_NOSLEEP=1"],
  },
])("pebbleEnvironment of $options", ({ options, lines }) => {
  expect(pebbleEnvironment(options)).toBe(`${lines.join("\n")}\n`);
});

test("what Pebble would take for something else is refused, all of it at once", () => {
  const wrong = {
    nonceReject: 101,
    sleep: 0.5,
    reuse: -1,
    profiles: { none: { validity: 0 } },
    eab: { kid: "k", hmacKey: "a+b=" },
  };
  expect(() => checkOptions(wrong)).toThrow(
    new LabError(
      "the certificate authority cannot be started like this",
      `nonceReject: 101 is not a whole number from 0 to 100
  reuse: -1 is not a whole number from 0 to 100
  sleep: 0.5 is not a whole number from 0 to 600
  profiles.none.validity: 0 is not a whole number from 2 to 9223372037
  eab.hmacKey: not 32 bytes or more in base64url`,
    ),
  );
  expect(() => checkOptions({ profiles: {} })).toThrow("profiles: there is none");
});

test("authorityUnits: one asks the outside resolver, the other listens in both families", () => {
  const units = authorityUnits(own, nameServerAddresses(plan).outside);
  expect(Object.keys(units)).toEqual([
    "/etc/systemd/system/authority-pebble.service",
    "/etc/systemd/system/authority-front.service",
  ]);
  const starts = Object.values(units).map((unit) => /^ExecStart=(.*)$/m.exec(unit)?.[1]);
  expect(starts).toEqual([
    "/opt/authority/pebble -strict -config /etc/authority/pebble.json -dnsserver 198.18.8.205:53",
    "/opt/authority/front -listen 198.18.8.231:443,[2001:2:0:84::231]:443 -pebble https://127.0.0.1:14000 -certificate /etc/authority/tls.pem -key /etc/authority/tls.key -roots /etc/authority/roots.pem -faults /etc/authority/fault.json",
  ]);
});

test("certificateSettings: the web server's certificate is for its name and its addresses", () => {
  expect(certificateSettings(own)).toContain(
    "subjectAltName = DNS:ca.vendor.test, IP:198.18.8.231, IP:2001:2:0:84::231, IP:127.0.0.1\n",
  );
});

test("a test authority stands beside the authority, and has nothing in common with it", () => {
  const [places, beside] = [authorityPlaces("authority"), authorityPlaces("test-authority")];
  const { services, ...rest } = beside;
  const said = JSON.stringify([Object.values(rest), Object.values(services)]);
  for (const value of [
    ...Object.values(places).filter((one) => typeof one === "string"),
    ...Object.values(places.services),
  ])
    expect(said).not.toContain(JSON.stringify(value));
  const units = authorityUnits(testAuthorityAddresses(plan), nameServerAddresses(plan).outside, beside);
  const starts = Object.values(units).map((unit) => /^ExecStart=(.*)$/m.exec(unit)?.[1]);
  expect(starts).toEqual([
    "/opt/test-authority/pebble -strict -config /etc/test-authority/pebble.json -dnsserver 198.18.8.205:53",
    "/opt/test-authority/front -listen 198.18.8.232:443,[2001:2:0:84::232]:443 -pebble https://127.0.0.1:14001 -certificate /etc/test-authority/tls.pem -key /etc/test-authority/tls.key -roots /etc/test-authority/roots.pem -faults /etc/test-authority/fault.json",
  ]);
});

describe("frontRule", () => {
  const none = { path: "/", times: 0, milliseconds: 0, hang: false, status: 0, headers: {}, body: "" };
  const type = { "Content-Type": "application/problem+json" };
  const problem = (name: string, detail: string, status: number) =>
    JSON.stringify({ type: `urn:ietf:params:acme:error:${name}`, detail, status });

  test.each<{ fault: AuthorityFault; rule: object }>([
    { fault: { kind: "slow", milliseconds: 300 }, rule: { milliseconds: 300 } },
    { fault: { kind: "hanging", at: "finalize" }, rule: { path: "/finalize-order/", hang: true } },
    {
      fault: { kind: "down", times: 2 },
      rule: { times: 2, status: 503, headers: { "Content-Type": "text/html" }, body: "<h1>Service unavailable</h1>\n" },
    },
    {
      fault: { kind: "rate-limited", retryAfter: 60 },
      rule: {
        path: "/order-plz",
        status: 429,
        headers: { ...type, "Retry-After": "60" },
        body: problem("rateLimited", "too many new orders recently, retry after 60 seconds", 429),
      },
    },
    {
      fault: { kind: "rejecting", detail: "not this one" },
      rule: {
        path: "/order-plz",
        status: 403,
        headers: type,
        body: problem("rejectedIdentifier", "not this one", 403),
      },
    },
    {
      fault: { kind: "bad-nonce", at: "newAccount", times: 3 },
      rule: {
        path: "/sign-me-up",
        times: 3,
        status: 400,
        headers: type,
        body: problem("badNonce", "JWS has an invalid anti-replay nonce", 400),
      },
    },
  ])("$fault", ({ fault, rule }) => {
    expect(frontRule(fault)).toEqual({ ...none, ...rule });
  });
});

test("readRequests: what was asked, by what it is", () => {
  expect(readRequests("HEAD /nonce-plz 200\nPOST /finalize-order/x1 0\nGET /robots.txt 404\n")).toEqual([
    { method: "HEAD", step: "newNonce", path: "/nonce-plz", status: 200 },
    { method: "POST", step: "finalize", path: "/finalize-order/x1", status: 0 },
    { method: "GET", step: undefined, path: "/robots.txt", status: 404 },
  ]);
});
