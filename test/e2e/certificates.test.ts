import { execFileSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { type LabNames, placeNames } from "../../lab/names.ts";
import { authorityName } from "../../lab/names-plan.ts";
import { type LabAuthority, placeAuthority } from "../../lab/pebble.ts";
import { accountAndCertificate } from "./acme-declared.ts";
import { OwnLab } from "./own-lab.ts";
import { windowIn } from "./renewal-window.ts";
import { Stack } from "./stack.ts";

// DNS-1, DNS-2, DNS-5: certificates from a real authority, with challenges in the vendor's zone on real name servers, to which the customer's
// CNAME leads. A lab of its own. nginx is the package's own, with the pair that is issued.

const host = "os2mo.kommune.test";
const challenge = `_acme-challenge.${host}`;
let lab: OwnLab;
let names: LabNames;
let authority: LabAuthority;
let stack: Stack;

const declared = (certificate?: object) => accountAndCertificate({ names, authority, host }, certificate);
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
const ordered = async () => (await authority.requests()).filter(({ step }) => step === "newOrder").length;
/** As people read it. */
const shown = (iso: string) => `${iso.slice(0, 16).replace("T", " ")} UTC`;
const issued = async () =>
  (await authority.requests()).filter(({ step, status }) => step === "finalize" && status < 400).length;

beforeAll(async () => {
  lab = await OwnLab.up();
  names = await placeNames(lab.status.name, {}, () => undefined);
  authority = await placeAuthority(lab.status.name, names, { sleep: 0, nonceReject: 5 }, () => undefined);
  const { addresses, hostKey, login, fqdn } = lab.machine("prod");
  stack = await Stack.create({
    env: { ...process.env, ...inject("engine") },
    connection: { host: addresses.v4, user: "deploy", hostKey, privateKeyFile: login.privateKeyFile, label: fqdn },
    secrets: { tsig: names.vendor.keys.challenges.secret },
  });
}, 400_000);

/** The customer's, as they must be. */
const records = () => [
  `os2mo CNAME ${host}.${names.vendor.zone}.`,
  `_acme-challenge.os2mo CNAME ${challenge}.${names.vendor.zone}.`,
];

/** nginx's configuration that shows a pair. */
const site = (folder: string, listen = "443") =>
  `server { listen ${listen} ssl; server_name ${host}; ssl_certificate ${folder}/fullchain.pem; ssl_certificate_key ${folder}/key.pem; location / { return 200 ok; } }`;
const live443 = `echo '${site("/etc/onprem/tls/live")}' >/etc/nginx/conf.d/lab.conf`;

/** What was tried before, for which the next run might have to wait. */
const forgetTries = () => lab.within("prod", "rm -f /var/lib/onprem/acme/ledger.json");

/** What a test begins with; nothing is done where the one before has left that. */
async function holding(keyType: string): Promise<void> {
  expect((await up({ keyType })).errors).toEqual([]);
}

// What a test that failed has left is not the next one's trouble, nor its own when it is tried again.
beforeEach(async () => {
  await names.customer.write(records());
  await forgetTries();
  await lab.within(
    "prod",
    `if [ -e /etc/nginx/conf.d/lab.conf ] && [ -e /etc/onprem/tls/live ]; then rm -f /etc/nginx/conf.d/outside.conf; ${live443}; systemctl restart nginx; fi`,
  );
});

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
     ${live443}
     systemctl restart nginx`,
  );
  const before = await serial();
  const asked = windowIn(-2);
  await authority.suggest(await live(), asked);
  const due = await stack.preview(declared());
  expect([due.changes, due.diffs]).toEqual([{ certificate: "update" }, { certificate: ["due"] }]);
  const [start, end] = [shown(asked.suggestedWindow.start), shown(asked.suggestedWindow.end)];
  expect(due.warnings).toEqual([
    expect.stringMatching(
      `the certificate falls due: the authority asks for renewal between ${start} and ${end}; by chance it is \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d UTC$`,
    ),
  ]);
  const keyBefore = await lab.within("prod", "sha256sum /etc/onprem/tls/live/key.pem | cut -c -64");
  expect((await up()).errors).toEqual([]);
  expect(await serial()).not.toBe(before);
  expect(await served()).toBe(await serial());
  expect(await lab.within("prod", "sha256sum /etc/onprem/tls/live/key.pem | cut -c -64")).not.toBe(keyBefore);
  expect((await stack.preview(declared(), "--expect-no-changes")).code).toBe(0);
}, 180_000);

test("another certificate in its place is drift, and goes; so is a key that is gone", async () => {
  await lab.within(
    "prod",
    `cd /etc/onprem/tls/live; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out fullchain.pem -subj /CN=x -addext subjectAltName=DNS:${host} -days 300 2>/dev/null; systemctl reload nginx`,
  );
  const { changes } = await stack.preview(declared());
  expect(changes).toEqual({ certificate: "update" });
  expect((await up()).errors).toEqual([]);
  const healed = await serial();
  expect(await served()).toBe(healed);
  expect((await stack.preview(declared(), "--expect-no-changes")).code).toBe(0);
  // As where the key has become known to others: another one is had by taking it away.
  await lab.within("prod", "rm /etc/onprem/tls/live/key.pem");
  expect((await up()).errors).toEqual([]);
  expect(await served()).toBe(await serial());
  expect(await serial()).not.toBe(healed);
}, 120_000);

test("DNS-2: what visitors are shown decides: the old pair is back where that is not the new one, and a killed run's proof is made up for", async () => {
  const { addresses } = lab.machine("prod");
  const seen = async () => {
    const ask = `timeout 5 openssl s_client -connect ${addresses.v4}:443 -servername ${host} </dev/null 2>/dev/null | openssl x509 -noout -serial | cut -d = -f 2`;
    return execFileSync("sh", ["-c", ask], { encoding: "utf8" }).trim();
  };
  await holding("ecdsa-p256");
  const before = await serial();
  // For who comes from outside it has a copy of the pair, that nobody renews.
  await lab.within(
    "prod",
    `mkdir -p /root/copy; cp -L /etc/onprem/tls/live/*.pem /root/copy/
     echo '${site("/root/copy", `${addresses.v4}:443`)}' >/etc/nginx/conf.d/outside.conf
     systemctl restart nginx`,
  );
  const asked = await issued();
  const failed = await up({ keyType: "ecdsa-p384" });
  expect(failed.errors.join("\n")).toMatch(
    new RegExp(`seen from here, ${addresses.v4}:443 after 10 s shows the old one: [^]*The old certificate is back`),
  );
  expect([await serial(), await served(), await seen()]).toEqual([before, before, before]);
  await lab.within("prod", "rm /etc/nginx/conf.d/outside.conf; systemctl restart nginx");
  expect((await up({ keyType: "ecdsa-p384" })).errors).toEqual([]);
  expect([await issued(), await seen()]).toEqual([asked + 1, await serial()]);
  expect(await serial()).not.toBe(before);
  // As a run leaves it that was killed before it could look from outside.
  await lab.within(
    "prod",
    `cd /etc/onprem/tls; ln -s "versions/$(ls versions | grep -v "$(basename "$(readlink live)")")" before`,
  );
  const left = await stack.preview(declared({ keyType: "ecdsa-p384" }));
  expect([left.changes, left.diffs]).toEqual([{ certificate: "update" }, { certificate: ["proven"] }]);
  expect((await up({ keyType: "ecdsa-p384" })).errors).toEqual([]);
  expect(await lab.within("prod", "ls /etc/onprem/tls")).toBe("live\nversions");
}, 240_000);

test("a web server that does not take the new pair keeps the old, and says why", async () => {
  await holding("ecdsa-p384");
  const before = await serial();
  // It reads a pair of its own from now on, so what is installed is never shown.
  await lab.within(
    "prod",
    `mkdir -p /root/other; cp -L /etc/onprem/tls/live/*.pem /root/other/; echo '${site("/root/other")}' >/etc/nginx/conf.d/lab.conf; systemctl reload nginx`,
  );
  const failed = await up({ keyType: "rsa-2048" });
  expect(failed.errors.join("\n")).toContain("did not take the new certificate");
  expect(await serial()).toBe(before);
  await lab.within("prod", `${live443}; systemctl reload nginx`);
  expect(await served()).toBe(before);
  // The pair is kept, and no other is asked for.
  const asked = await issued();
  expect((await up({ keyType: "rsa-2048" })).errors).toEqual([]);
  expect([await served(), await issued()]).toEqual([await serial(), asked]);
  expect(await serial()).not.toBe(before);
}, 180_000);

test("a renewal that fails while there is time is a warning, and so is that the next run must wait, as it was asked to", async () => {
  await holding("rsa-2048");
  const before = await serial();
  await authority.suggest(await live(), windowIn(-2));
  await authority.fail({ kind: "rate-limited", retryAfter: 3600, at: "newOrder" });
  const failed = await up({ keyType: "rsa-2048" });
  expect([failed.errors, await serial()]).toEqual([[], before]);
  expect(failed.warnings.join("\n")).toMatch(/rateLimited[\s\S]*the next run tries again/);
  await authority.heal();
  const early = await up({ keyType: "rsa-2048" });
  expect([early.errors, await serial()]).toEqual([[], before]);
  // It has asked for an hour, and is left alone, although it would answer now.
  expect(early.warnings.join("\n")).toMatch(/it asked to wait until \d{4}-[\s\S]*ONPREM_FORCE_CERTIFICATE/);
  await forgetTries();
  expect((await up({ keyType: "rsa-2048" })).errors).toEqual([]);
  expect(await serial()).not.toBe(before);
}, 180_000);

test("DNS-1: CAA records that let another authority or another account alone issue end a run before the authority is asked; ours let it go on", async () => {
  await holding("rsa-2048");
  const account = /"uri": ?"(https:[^"]+)"/.exec(await stack.export())?.[1] ?? "";
  const [before, began] = [await serial(), await ordered()];
  for (const [value, said] of [
    ["another.test", `do not let ${authorityName} issue: 0 issue "another.test"`],
    [`${authorityName}; accounturi=${account}0`, `let ${authorityName} issue to another account alone`],
  ]) {
    await names.customer.write([...records(), `@ CAA 0 issue "${value}"`]);
    const { errors } = await up({ keyType: "ecdsa-p384" });
    expect(errors.join("\n")).toContain(`did not ask ${new URL(authority.directory).host} for a certificate`);
    expect(errors.join("\n")).toContain(said);
    expect([await serial(), await ordered()]).toEqual([before, began]);
  }
  // Nothing was asked, so the next run need not wait.
  await names.customer.write([
    ...records(),
    `@ CAA 0 issue "${authorityName}; accounturi=${account}; validationmethods=dns-01"`,
  ]);
  expect((await up({ keyType: "ecdsa-p384" })).errors).toEqual([]);
  expect(await served()).not.toBe(before);
}, 180_000);

test("an account that the authority has forgotten is made anew, as the error says how; what depends on it stays, and is served", async () => {
  await holding("ecdsa-p384");
  await authority.restart({ sleep: 0, nonceReject: 5 });
  const before = await serial();
  const wanted = declared({ keyType: "ecdsa-p256" });
  const failed = await stack.up(wanted);
  expect(failed.errors.join("\n")).toContain("--replace URN");
  expect(await served()).toBe(before);
  const urn = /urn:[^\s"]*AcmeAccount::account/.exec(await stack.export())?.[0] ?? "";
  await forgetTries();
  const { errors, changes } = await stack.up(wanted, "--replace", urn);
  expect([errors, changes.certificate]).toEqual([[], "update"]);
  expect(await serial()).not.toBe(before);
  expect(await served()).toBe(await serial());
}, 180_000);

test("one that is replaced by a person's word is another; by revokeOnDelete the authority revokes what goes: DNS-2", async () => {
  await holding("ecdsa-p256");
  const [before, asked] = [await live(), await issued()];
  // A wish for later alone: the next run takes it up, and asks for no other certificate.
  const wanted = declared({ keyType: "ecdsa-p256", revokeOnDelete: true });
  expect((await stack.up(wanted)).errors).toEqual([]);
  expect([await live(), await issued(), await authority.revoked(before)]).toEqual([before, asked, false]);
  const urn = /urn:[^\s"]*AcmeCertificate::certificate/.exec(await stack.export())?.[0] ?? "";
  const replaced = await stack.up(wanted, "--replace", urn);
  expect([replaced.errors, replaced.changes.certificate]).toEqual([[], "create-replacement"]);
  const after = await live();
  expect(await served()).toBe(await serial());
  expect([await authority.revoked(before), await authority.revoked(after)]).toEqual([true, false]);
  // Destroying takes the pair and its key away, too.
  expect((await stack.destroy()).errors).toEqual([]);
  expect(await authority.revoked(after)).toBe(true);
  expect(await leftOnServer()).toBe("");
}, 120_000);

/** Of the pair and the account. */
const leftOnServer = () =>
  lab.within("prod", "find /etc/onprem/tls /etc/onprem/acme -type f 2>/dev/null | sed 's/-[0-9a-f]*[.]json//'");

test("what a first order has left that failed goes when the stack is destroyed", async () => {
  expect((await stack.destroy()).errors).toEqual([]);
  await authority.fail({ kind: "rejecting" });
  expect((await stack.up(declared())).errors).toHaveLength(1);
  await authority.heal();
  expect((await leftOnServer()).split("\n").sort()).toEqual([
    expect.stringMatching(/^\/etc\/onprem\/acme\//),
    ...["for", "key.pem", "request.pem"].map((name) => `/etc/onprem/tls/next/${name}`),
  ]);
  expect((await stack.destroy()).errors).toEqual([]);
  expect(await leftOnServer()).toBe("");
}, 120_000);
