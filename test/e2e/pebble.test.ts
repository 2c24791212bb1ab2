import { createHash, randomBytes, X509Certificate } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import * as acme from "acme-client";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type LabNames, placeNames } from "../../lab/names.ts";
import { type AuthorityOptions, type LabAuthority, placeAuthority } from "../../lab/pebble.ts";
import { OwnLab } from "./own-lab.ts";

// A real certificate authority that asks the lab's real name servers, by a client that is not ours. A lab of its own.

const host = "os2mo.kommune.test";
const challenge = `_acme-challenge.${host}`;
/** Quick, for what is not tested here; with some of the nastiness left. */
const quick: AuthorityOptions = {
  sleep: 0,
  reuse: 0,
  retryAfter: 0,
  profiles: { lasting: { validity: 90 * 24 * 3600 }, minutes: { validity: 300 }, hours: { validity: 4 * 3600 } },
};
let lab: OwnLab;
let names: LabNames;
let authority: LabAuthority;
let client: acme.Client;

const newClient = async (options: Partial<acme.ClientOptions> = {}) =>
  new acme.Client({
    directoryUrl: authority.directory,
    accountKey: await acme.crypto.createPrivateEcdsaKey(),
    backoffAttempts: 50,
    backoffMin: 50,
    backoffMax: 200,
    ...options,
  });

/** Writes the TXT records of a challenge, as `challenges` may; returns when both servers of the zone, and the authority's resolver, have them. */
async function answer(values: readonly string[]): Promise<void> {
  const { zone, server, keys } = names.vendor;
  const owner = `${challenge}.${zone}.`;
  const { name, algorithm, secret } = keys.challenges;
  const wanted = values.map((value) => `"${value}"`).join("\n");
  await lab.within(
    "vendor",
    `nsupdate -y ${algorithm}:${name}:${secret} <<END
server ${server}
zone ${zone}
update delete ${owner} TXT
${values.map((value) => `update add ${owner} 1 TXT "${value}"`).join("\n")}
send
END
for server in ${server} ${names.servers.vendor2.v4} ${names.servers.outside.v4}; do
  until [ "$(dig +short TXT ${owner} @$server)" = '${wanted}' ]; do sleep 0.05; done
done`,
  );
}

/** A certificate for the host, by an order with a profile: PEM of the chain. */
async function order(profile: string): Promise<string> {
  const wanted = { identifiers: [{ type: "dns", value: host }], profile };
  const begun = await client.createOrder(wanted);
  for (const authorization of await client.getAuthorizations(begun)) {
    if (authorization.status === "valid") continue;
    const found = authorization.challenges.find(({ type }) => type === "dns-01");
    if (found === undefined) throw new Error("no dns-01");
    await answer([await client.getChallengeKeyAuthorization(found)]);
    await client.completeChallenge(found);
    await client.waitForValidStatus(found);
    await answer([]);
  }
  const key = await acme.crypto.createPrivateEcdsaKey();
  const [, csr] = await acme.crypto.createCsr({ commonName: host, altNames: [host] }, key);
  return client.getCertificate(await client.finalizeOrder(begun, csr));
}

const certificates = (pem: string) => acme.crypto.splitPemChain(pem).map((one) => new X509Certificate(one));

/** RFC 9773, section 4.1: the authority's key identifier, which Pebble makes as RFC 5280, section 4.2.1.2 (1), and the serial number. @param before Bytes before that */
function renewalId(chain: string, ...before: number[]): string {
  const [leaf, intermediate] = certificates(chain);
  if (leaf === undefined || intermediate === undefined) throw new Error("no chain");
  const point = intermediate.publicKey.export({ type: "spki", format: "der" }).subarray(-65);
  const serial = Buffer.from(leaf.serialNumber, "hex");
  const positive = (serial[0] ?? 0) < 128 ? serial : Buffer.concat([Buffer.from([0]), serial]);
  const bytes = Buffer.concat([Buffer.from(before), positive]);
  return `${createHash("sha1").update(point).digest("base64url")}.${bytes.toString("base64url")}`;
}

/** Without a client's own ideas about trying again. */
async function ask(method: string, url: string, timeout = 10_000) {
  const { response, body } = await new Promise<{ response: IncomingMessage; body: string }>((resolve, reject) => {
    const asked = request(
      url,
      { method, ca: authority.roots, timeout, headers: { "User-Agent": "test" } },
      (response) => void text(response).then((body) => resolve({ response, body }), reject),
    );
    asked.on("timeout", () => asked.destroy(new Error("timeout"))).on("error", reject);
    asked.end();
  });
  const headers: IncomingHttpHeaders = response.headers;
  return { status: response.statusCode, headers, body, json: () => JSON.parse(body) };
}

const count = async (step: string, status: number) =>
  (await authority.requests()).filter((one) => one.step === step && one.status === status).length;

beforeAll(async () => {
  lab = await OwnLab.up();
  names = await placeNames(lab.status.name, {}, () => undefined);
  authority = await placeAuthority(lab.status.name, names, quick, () => undefined);
  await names.customer.write([
    `os2mo CNAME ${host}.${names.vendor.zone}.`,
    `_acme-challenge.os2mo CNAME ${challenge}.${names.vendor.zone}.`,
  ]);
  acme.axios.defaults.httpsAgent = new Agent({ ca: authority.roots });
  client = await newClient();
  await client.createAccount({ termsOfServiceAgreed: true });
}, 200_000);

afterEach(() => authority.heal());
afterAll(() => lab.down());

test("the directory answers over HTTPS: here, and on a server, in both families and by name", async () => {
  const directory = (await ask("GET", authority.directory)).json();
  expect(Object.keys(directory)).toEqual(expect.arrayContaining(["newOrder", "renewalInfo", "revokeCert"]));
  expect(directory.newOrder).toBe(`https://${authority.addresses.v4}/order-plz`);
  expect(directory.meta).toMatchObject({
    caaIdentities: [authority.name],
    externalAccountRequired: false,
    profiles: { lasting: "7776000 seconds", minutes: "300 seconds", hours: "14400 seconds" },
  });
  await names.useInside(["prod"]);
  const urls = [authority.directory, `https://[${authority.addresses.v6}]/dir`, `https://${authority.name}/dir`];
  const shown = await lab.within(
    "prod",
    `cat >/tmp/roots.pem <<END
${authority.roots}END
curl --silent --show-error --cacert /tmp/roots.pem --output /dev/null --write-out '%{http_code} ' ${urls.join(" -o /dev/null ")}
curl --silent --output /dev/null ${authority.directory} || echo "untrusted: $?"`,
  );
  expect(shown).toBe("200 200 200 untrusted: 60");
});

test("its management port is reached by the vendor's host alone", async () => {
  for (const address of [authority.addresses.v4, names.servers.outside.v4]) {
    await expect(ask("GET", `https://${address}:15000/roots/0`)).rejects.toThrow("ECONNREFUSED");
  }
});

test("DNS-01 through the customer's CNAME to the vendor's zone: a certificate that its root vouches for", async () => {
  const before = await count("finalize", 200);
  const [leaf, intermediate] = certificates(await order("lasting"));
  const root = new X509Certificate(await authority.issuers());
  if (leaf === undefined || intermediate === undefined) throw new Error("no chain");
  expect([leaf.checkHost(host), leaf.checkIssued(intermediate), leaf.verify(intermediate.publicKey)]).toEqual([
    host,
    true,
    true,
  ]);
  expect([intermediate.checkIssued(root), intermediate.verify(root.publicKey), root.ca]).toEqual([true, true, true]);
  expect(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)).toBe((90 * 24 * 3600 - 1) * 1000);
  expect((await count("finalize", 200)) - before).toBe(1);
});

test("told never to take an earlier authorization, it does not: of 500 orders for a name that is authorized, each is to be proved", async () => {
  const statuses = new Set<string>();
  for (let made = 0; made < 500; made += 1) {
    statuses.add((await client.createOrder({ identifiers: [{ type: "dns", value: host }] })).status);
  }
  expect([...statuses]).toEqual(["pending"]);
}, 60_000);

test("without the record that the challenge asks for, nothing is issued: it really looks", async () => {
  const begun = await client.createOrder({ identifiers: [{ type: "dns", value: host }] });
  const [authorization] = await client.getAuthorizations(begun);
  const found = authorization?.challenges.find(({ type }) => type === "dns-01");
  if (found === undefined) throw new Error("no dns-01");
  await answer(["something-else"]);
  await client.completeChallenge(found);
  await expect(client.waitForValidStatus(found)).rejects.toThrow("Correct value not found for DNS challenge");
  await answer([]);
});

test("short lives, renewal information, and revocation", async () => {
  const chain = await order("minutes");
  const [leaf] = certificates(chain);
  if (leaf === undefined) throw new Error("no chain");
  expect(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)).toBe(299_000);
  const id = renewalId(chain);
  const { renewalInfo } = (await ask("GET", authority.directory)).json();
  const told = await ask("GET", `${renewalInfo}/${id}`);
  expect([told.status, told.headers["retry-after"]]).toEqual([200, "21600"]);
  const { start, end } = told.json().suggestedWindow;
  expect([Date.parse(start) >= Date.parse(leaf.validFrom), Date.parse(end) <= Date.parse(leaf.validTo)]).toEqual([
    true,
    true,
  ]);
  const soon = { suggestedWindow: { start: "2030-01-01T00:00:00Z", end: "2030-01-02T00:00:00Z" } };
  await authority.suggest(chain, soon);
  expect((await ask("GET", `${renewalInfo}/${id}`)).json()).toEqual(soon);

  expect(await authority.revoked(chain)).toBe(false);
  await client.revokeCertificate(chain);
  expect(await authority.revoked(chain)).toBe(true);
});

test("a certificate is replaced by its number as DER has it: with a zero byte before a high first bit, as one in 256 has", async () => {
  // Any number will do: what counts is whether it is found with that byte.
  const replaces = renewalId(await order("minutes"), 0);
  const replacing = { identifiers: [{ type: "dns", value: host }], profile: "minutes", replaces };
  expect((await client.createOrder(replacing)).status).toBe("pending");
});

test("rate limited: 429 with Retry-After and a nonce, from Pebble nothing; a client that waits gets its order", async () => {
  await authority.fail({ kind: "rate-limited", retryAfter: 77 });
  const refused = await ask("POST", `https://${authority.addresses.v4}/order-plz`);
  expect(refused).toMatchObject({ status: 429, headers: { "retry-after": "77" } });
  expect(refused.headers["content-type"]).toBe("application/problem+json");
  expect(refused.headers["replay-nonce"]).toMatch(/^[\w-]{10,}$/);
  expect(refused.json().type).toBe("urn:ietf:params:acme:error:rateLimited");
  expect((await ask("GET", authority.directory)).status).toBe(200);
  await authority.fail({ kind: "rate-limited", retryAfter: 1, times: 1 });
  const limited = await count("newOrder", 429);
  const begun = await client.createOrder({ identifiers: [{ type: "dns", value: host }] });
  // The client repeats the very request, so that its nonce is as good as new: Pebble has not seen it.
  expect([begun.status, (await count("newOrder", 429)) - limited]).toEqual(["pending", 1]);
});

test("nonces that are rejected again and again", async () => {
  await authority.fail({ kind: "bad-nonce", times: 2 });
  const begun = await client.createOrder({ identifiers: [{ type: "dns", value: host }] });
  expect([begun.status, await count("newOrder", 400)]).toEqual(["pending", expect.toSatisfy((n: number) => n >= 2)]);
});

test("down, slow, rejecting, hanging; and well again", async () => {
  await authority.fail({ kind: "down" });
  expect((await ask("GET", authority.directory)).status).toBe(503);

  await authority.fail({ kind: "slow", milliseconds: 400 });
  const began = performance.now();
  expect((await ask("GET", authority.directory)).status).toBe(200);
  expect(performance.now() - began).toBeGreaterThanOrEqual(400);

  await authority.fail({ kind: "rejecting", detail: "no names of kommune.test" });
  await expect(client.createOrder({ identifiers: [{ type: "dns", value: host }] })).rejects.toThrow(
    "no names of kommune.test",
  );

  await authority.fail({ kind: "hanging", at: "directory" });
  await expect(ask("GET", authority.directory, 500)).rejects.toThrow("timeout");
  expect((await authority.requests()).at(-1)).toMatchObject({ step: "directory", status: 0 });

  await authority.heal();
  expect((await ask("GET", authority.directory)).status).toBe(200);
});

test("stopped, it refuses connections; started, it knows the account", async () => {
  const account = client.getAccountUrl();
  await authority.stop();
  await expect(ask("GET", authority.directory)).rejects.toThrow("ECONNREFUSED");
  await expect(ask("GET", `https://[${authority.addresses.v6}]/dir`)).rejects.toThrow("ECONNREFUSED");
  await authority.start();
  await client.createAccount({ onlyReturnExisting: true });
  expect(client.getAccountUrl()).toBe(account);
});

test("begun anew: another root, no accounts, and only for who has a key; a blocked domain is rejected", async () => {
  const [issuers, eab] = [
    await authority.issuers(),
    { kid: "kommune", hmacKey: randomBytes(32).toString("base64url") },
  ];
  await authority.restart({ ...quick, eab, domainBlocklist: ["kommune.test"] });
  expect(await authority.issuers()).not.toBe(issuers);
  await expect(client.createAccount({ termsOfServiceAgreed: true })).rejects.toThrow("not found");
  const stranger = await newClient();
  await expect(stranger.createAccount({ termsOfServiceAgreed: true })).rejects.toThrow("externalAccountBinding");
  client = await newClient({ externalAccountBinding: eab });
  await client.createAccount({ termsOfServiceAgreed: true });
  await expect(client.createOrder({ identifiers: [{ type: "dns", value: host }] })).rejects.toThrow(
    "forbidden by policy",
  );
});
