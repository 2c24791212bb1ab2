import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, inject, test } from "vitest";
import { type LabNames, placeNames } from "../../lab/names.ts";
import { type LabAuthority, placeAuthority } from "../../lab/pebble.ts";
import { killAll, processTree } from "./faults/processes.ts";
import { OwnLab } from "./own-lab.ts";
import { Stack } from "./stack.ts";

// DNS-1, DNS-2, DNS-5: certificates from a real authority, with challenges in the vendor's zone on real name servers, to which the customer's
// CNAME leads. A lab of its own. nginx is the package's own, with the pair that is issued.

const host = "os2mo.kommune.test";
const challenge = `_acme-challenge.${host}`;
let lab: OwnLab;
let names: LabNames;
let authority: LabAuthority;
let stack: Stack;

/** An account and a certificate, as a program declares them. */
function declared(certificate: object = {}) {
  const { server, zone, keys } = names.vendor;
  const { name, algorithm } = keys.challenges;
  const common = { directory: authority.directory, roots: authority.roots };
  return [
    { name: "account", type: "AcmeAccount", args: { ...common, termsAgreed: true } },
    {
      name: "certificate",
      type: "AcmeCertificate",
      args: {
        ...common,
        names: [host],
        zone: { kind: "rfc2136", zone, server, key: { name, algorithm, secret: { $secret: "tsig" } } },
        resolvers: [names.servers.outside.v4],
        ...certificate,
      },
      after: ["account"],
    },
  ];
}

const up = (certificate?: object) => stack.up(declared(certificate));
const live = () => lab.within("prod", "cat /etc/onprem/tls/live/fullchain.pem 2>/dev/null || true");
const serial = () =>
  lab.within("prod", "openssl x509 -noout -serial -in /etc/onprem/tls/live/fullchain.pem | cut -d = -f 2");
const served = () =>
  lab.within(
    "prod",
    `openssl s_client -connect 127.0.0.1:443 -servername ${host} </dev/null 2>/dev/null | openssl x509 -noout -serial | cut -d = -f 2`,
  );
/** What stands in the vendor's zone for challenges, at its primary. */
const left = () =>
  lab.within(
    "vendor",
    `dig +short @${names.servers.vendor1.v4} TXT ${challenge}.${names.vendor.zone} +norecurse || true`,
  );
const issued = async () =>
  (await authority.requests()).filter(({ step, status }) => step === "finalize" && status < 400).length;

beforeAll(async () => {
  lab = await OwnLab.up();
  names = await placeNames(lab.status.name, {}, () => undefined);
  authority = await placeAuthority(lab.status.name, names, { sleep: 0, nonceReject: 5 }, () => undefined);
  await names.customer.write([
    `os2mo CNAME ${host}.${names.vendor.zone}.`,
    `_acme-challenge.os2mo CNAME ${challenge}.${names.vendor.zone}.`,
  ]);
  const { addresses, hostKey, login, fqdn } = lab.machine("prod");
  stack = await Stack.create({
    env: { ...process.env, ...inject("engine") },
    connection: { host: addresses.v4, user: "deploy", hostKey, privateKeyFile: login.privateKeyFile, label: fqdn },
    secrets: { tsig: names.vendor.keys.challenges.secret },
  });
}, 400_000);

afterEach(async () => {
  await names.heal();
  await authority.heal();
});

afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await lab.down();
});

test("DNS-2, DNS-5: one run gets an account and a certificate; nothing is left in DNS, and the next run changes nothing", async () => {
  const { errors, warnings } = await up();
  expect([errors, warnings]).toEqual([[], []]);
  const chain = await live();
  const said = execFileSync("openssl", ["x509", "-noout", "-text"], { input: chain, encoding: "utf8" });
  expect(said).toContain(`DNS:${host}`);
  expect(said).toContain("NIST CURVE: P-256");
  await lab.within(
    "prod",
    `cat >/run/issuers.pem <<'END'\n${await authority.issuers()}\nEND\nopenssl verify -CAfile /run/issuers.pem -untrusted /etc/onprem/tls/live/fullchain.pem /etc/onprem/tls/live/fullchain.pem`,
  );
  expect(await left()).toBe("");
  expect(await lab.within("prod", "stat -c '%U %a' /etc/onprem/tls/live/key.pem")).toBe("root 600");
  expect((await stack.preview(declared(), "--expect-no-changes")).code).toBe(0);
  expect(await stack.export()).not.toContain(names.vendor.keys.challenges.secret);
}, 120_000);

test("renewed when the authority wants it, with a new key, in place of the old, and seen by who visits", async () => {
  await lab.within(
    "prod",
    `exec >/dev/null 2>&1; apt-get update; apt-get install -y --no-install-recommends nginx
     printf 'server { listen 443 ssl; server_name ${host}; ssl_certificate /etc/onprem/tls/live/fullchain.pem; ssl_certificate_key /etc/onprem/tls/live/key.pem; location / { return 200 ok; } }' >/etc/nginx/conf.d/lab.conf
     systemctl restart nginx`,
  );
  const before = await serial();
  const now = Date.now();
  const window = { start: new Date(now - 7_200_000).toISOString(), end: new Date(now - 3_600_000).toISOString() };
  await authority.suggest(await live(), { suggestedWindow: window });
  const due = await stack.preview(declared());
  expect([due.changes, due.diffs]).toEqual([{ certificate: "update" }, { certificate: ["due"] }]);
  const keyBefore = await lab.within("prod", "sha256sum /etc/onprem/tls/live/key.pem | cut -c -64");
  expect((await up()).errors).toEqual([]);
  expect(await serial()).not.toBe(before);
  expect(await served()).toBe(await serial());
  expect(await lab.within("prod", "sha256sum /etc/onprem/tls/live/key.pem | cut -c -64")).not.toBe(keyBefore);
  expect((await stack.preview(declared(), "--expect-no-changes")).code).toBe(0);
}, 180_000);

test("another certificate in its place is drift, and goes", async () => {
  await lab.within(
    "prod",
    `cd /etc/onprem/tls/live; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out fullchain.pem -subj /CN=x -addext subjectAltName=DNS:${host} -days 300 2>/dev/null; systemctl reload nginx`,
  );
  const { changes } = await stack.preview(declared());
  expect(changes).toEqual({ certificate: "update" });
  expect((await up()).errors).toEqual([]);
  expect(await served()).toBe(await serial());
  expect((await stack.preview(declared(), "--expect-no-changes")).code).toBe(0);
}, 120_000);

test("a web server that does not take the new pair keeps the old, and says why", async () => {
  const before = await serial();
  // It reads a pair of its own from now on, so what is installed is never shown.
  await lab.within(
    "prod",
    `mkdir -p /root/other; cp -L /etc/onprem/tls/live/*.pem /root/other/; sed -i s,/etc/onprem/tls/live,/root/other, /etc/nginx/conf.d/lab.conf; systemctl reload nginx`,
  );
  const failed = await up({ keyType: "rsa-2048" });
  expect(failed.errors.join("\n")).toContain("did not take the new certificate");
  expect(await serial()).toBe(before);
  await lab.within(
    "prod",
    "sed -i s,/root/other,/etc/onprem/tls/live, /etc/nginx/conf.d/lab.conf; systemctl reload nginx",
  );
  expect(await served()).toBe(before);
  // The pair is kept, and no other is asked for.
  const asked = await issued();
  expect((await up({ keyType: "rsa-2048" })).errors).toEqual([]);
  expect([await served(), await issued()]).toEqual([await serial(), asked]);
  expect(await serial()).not.toBe(before);
}, 180_000);

test("the authority is down, or limits us: the old certificate stays, and the error says until when", async () => {
  const before = await serial();
  await authority.stop();
  const down = await forced(() => up({ keyType: "ecdsa-p384" }));
  expect(down.errors).toHaveLength(1);
  expect(await serial()).toBe(before);
  expect(await left()).toBe("");
  await authority.start();
  await authority.fail({ kind: "rate-limited", retryAfter: 3600 });
  const limited = await forced(() => up({ keyType: "ecdsa-p384" }));
  expect(limited.errors.join()).toMatch(/rateLimited[\s\S]*Wait until \d{4}-/);
  expect(await left()).toBe("");
  await authority.heal();
  expect((await forced(() => up({ keyType: "ecdsa-p384" }))).errors).toEqual([]);
  expect(await serial()).not.toBe(before);
}, 240_000);

test("a renewal that fails while there is time is a warning, and so is that the next run must wait a minute", async () => {
  const before = await serial();
  const now = Date.now();
  const window = { start: new Date(now - 7_200_000).toISOString(), end: new Date(now - 3_600_000).toISOString() };
  await authority.suggest(await live(), { suggestedWindow: window });
  await authority.fail({ kind: "rate-limited", retryAfter: 3600, at: "newOrder" });
  const failed = await up({ keyType: "ecdsa-p384" });
  expect([failed.errors, await serial()]).toEqual([[], before]);
  expect(failed.warnings.join("\n")).toMatch(/rateLimited[\s\S]*the next run tries again/);
  await authority.heal();
  const early = await up({ keyType: "ecdsa-p384" });
  expect([early.errors, await serial()]).toEqual([[], before]);
  expect(early.warnings.join("\n")).toContain("ONPREM_FORCE_CERTIFICATE");
  expect((await forced(() => up({ keyType: "ecdsa-p384" }))).errors).toEqual([]);
  expect(await serial()).not.toBe(before);
}, 180_000);

/** Tries in spite of earlier failures. */
async function forced<Result>(run: () => Promise<Result>): Promise<Result> {
  await lab.within("prod", "rm -f /var/lib/onprem/acme/ledger.json");
  return run();
}

test("DNS-5: without the customer's CNAME, or with the wrong key, nothing is asked of the authority", async () => {
  const before = await issued();
  await names.customer.write([`os2mo CNAME ${host}.${names.vendor.zone}.`]);
  const missing = await forced(() => up({ keyType: "ecdsa-p256" }));
  expect(missing.errors.join()).toContain("zone");
  expect(await issued()).toBe(before);
  await names.customer.write([
    `os2mo CNAME ${host}.${names.vendor.zone}.`,
    `_acme-challenge.os2mo CNAME ${challenge}.${names.vendor.zone}.`,
  ]);
  expect((await forced(() => up({ keyType: "ecdsa-p256" }))).errors).toEqual([]);
}, 180_000);

test("killed at moments of an order: one run converges, no challenge is left, and no second certificate is issued", async () => {
  let type = "ecdsa-p256";
  for (const after of [1500, 2500, 3500, 4500, 5500]) {
    type = type === "ecdsa-p256" ? "ecdsa-p384" : "ecdsa-p256";
    await lab.within("prod", "rm -f /var/lib/onprem/acme/ledger.json");
    const before = await issued();
    const running = await stack.begin(declared({ keyType: type }));
    await sleep(after);
    // The plugin, too, which would else bring the order to its end.
    killAll(await processTree(running.pid));
    await running.finished;
    await stack.pulumi("cancel", "--yes", "--stack", stack.name);
    const { errors } = await forced(() => up({ keyType: type }));
    expect([after, errors]).toEqual([after, []]);
    expect([after, await left()]).toEqual([after, ""]);
    expect((await issued()) - before).toBeLessThanOrEqual(1);
    expect(await served()).toBe(await serial());
  }
}, 400_000);

test("a certificate of minutes is renewed through three lives under load, and no request fails", async () => {
  await authority.restart({ sleep: 0, nonceReject: 5, profiles: { minutes: { validity: 300 } } });
  await lab.within("prod", "rm -rf /etc/onprem/acme");
  await lab.within(
    "prod",
    `systemctl reset-failed load 2>/dev/null || true; rm -f /run/load.log; systemd-run --quiet --unit=load sh -c 'while :; do curl -sk -o /dev/null -w "%{http_code}\n" --resolve ${host}:443:127.0.0.1 https://${host}/ >>/run/load.log || echo failed >>/run/load.log; done'`,
  );
  const serials = new Set<string>();
  for (let life = 0; life < 3; life += 1) {
    const now = Date.now();
    if (life > 0) {
      const window = { start: new Date(now - 120_000).toISOString(), end: new Date(now - 60_000).toISOString() };
      await authority.suggest(await live(), { suggestedWindow: window });
    }
    const { errors } = await forced(() => up({ keyType: "ecdsa-p256", profile: "minutes", nextRun: 60 }));
    expect(errors).toEqual([]);
    serials.add(await served());
  }
  await lab.within("prod", "systemctl stop load");
  expect(serials.size).toBe(3);
  const codes = (await lab.within("prod", "sort /run/load.log | uniq -c | awk '{print $2}'")).split("\n");
  expect(codes).toEqual(["200"]);
}, 240_000);

test("destroying takes the pair and its key away", async () => {
  await stack.destroy();
  expect(
    await lab.within("prod", "ls /etc/onprem/tls 2>/dev/null || true; ls /etc/onprem/acme 2>/dev/null || true"),
  ).toBe("");
}, 60_000);
