import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { HttpsLab, host } from "./https-lab.ts";
import { HttpsLoad } from "./https-load.ts";
import {
  everythingIn,
  placesOf,
  readableHere,
  spellingsOf,
  spellingsOfKey,
  watchCommandLines,
  withoutEnginesDump,
} from "./places-of-secrets.ts";

// DNS-1, DNS-2, NET-4, Q-SRV-7: the whole program, from a bare server to HTTPS that people in the customer's network see. A lab of its own.

let at: HttpsLab;
beforeAll(async () => {
  at = await HttpsLab.up(inject("engine"));
}, 400_000);
afterAll(() => at?.[Symbol.asyncDispose]());

/** Steps of orders that an authority has taken. */
const ordered = async (authority: HttpsLab["authority"]) =>
  (await authority.requests())
    .filter(({ step, status }) => ["newAccount", "newOrder", "finalize"].includes(String(step)) && status < 400)
    .map(({ step }) => step);
/** Command lines of all processes while accounts and certificates were asked for. */
let commandLines = "";

/** An update that tells all it can, and tries at once in spite of an earlier failure. */
async function watchedUp() {
  const watch = watchCommandLines();
  try {
    return await at.up(["--logtostderr", "--logflow", "-v=11"], { ONPREM_FORCE_CERTIFICATE: "1" });
  } finally {
    commandLines += await watch.stop();
  }
}

test("before the customer's records are there, the server is set up and the authority is asked for nothing", async () => {
  // A preview, which `pulumi up` begins with, shows what is missing and does not fail for it.
  const preview = await at.pulumi("preview");
  expect({ code: preview.code, said: preview.code === 0 ? "" : preview.said }).toEqual({ code: 0, said: "" });
  expect(preview.said).toContain(`${host}. CNAME ${host}.${at.names.vendor.zone}.`);
  const { errors, changes } = await at.up();
  expect(errors.join("\n")).toContain(`${host}. CNAME ${host}.${at.names.vendor.zone}.`);
  expect(changes.create).toEqual(expect.arrayContaining(["Firewall server-firewall"]));
  // What CI runs by night says that there is none.
  const renewed = await at.script("renew", "prod");
  expect([renewed.code, renewed.stdout]).toEqual([
    1,
    "NONE    prod          https.acme is declared, and there is no certificate: `npm run pulumi -- up -s prod` gets one\n1 of 1 stacks need somebody to look\n",
  ]);
  expect([await at.authority.requests(), await at.testAuthority.requests()]).toEqual([[], []]);
}, 180_000);

test("DNS-1: an external account's key that is wrong ends the run, which says so, before anything is ordered", async () => {
  await at.names.customer.write(at.records);
  await at.keep("https.acme.externalAccount.hmacKey", Buffer.alloc(32, 7).toString("base64url"));
  const { errors } = await at.up();
  expect(errors).toEqual([
    expect.stringMatching(
      /could not make an account at .*\n +unauthorized: external account binding.*\n +Are key id and HMAC key those that .* gave out, and not used up\?$/,
    ),
  ]);
  expect(await ordered(at.authority)).toEqual([]);
  await at.keep("https.acme.externalAccount.hmacKey", at.externalAccount.hmacKey);
}, 180_000);

test("DNS-1: the test authority is asked first for a new name, and while it says no the real one is asked for no order", async () => {
  await at.testAuthority.fail({ kind: "rejecting", detail: "this name is none of ours" });
  const { errors } = await watchedUp();
  expect(errors.join("\n")).toContain("this name is none of ours");
  expect(errors.join("\n")).toContain(new URL(at.testAuthority.directory).host);
  // By the right key there is an account now.
  expect([await ordered(at.testAuthority), await ordered(at.authority)]).toEqual([["newAccount"], ["newAccount"]]);
  await at.testAuthority.heal();
}, 180_000);

test("DNS-1, NET-4, Q-SRV-7: with them one run ends in HTTPS, and people see which server it is", async () => {
  const { errors, warnings } = await watchedUp();
  expect(errors).toEqual([]);
  expect(warnings.filter((warning) => warning.includes("certificate"))).toEqual([]);
  const once = ["newAccount", "newOrder", "finalize"];
  expect([await ordered(at.testAuthority), await ordered(at.authority)]).toEqual([once, once]);
  const page = await at.visit(`https://${host}/`);
  expect(page.code).toBe(0);
  expect(page.stdout).toMatch(/^HTTP\/2 200/);
  expect(page.stdout).toMatch(/strict-transport-security: max-age=63072000/i);
  expect(page.stdout).toContain("Test Kommune");
  expect((await at.visit(`http://${host}/x?y=1`)).stdout).toMatch(
    new RegExp(`^HTTP/1.1 30[18][\\s\\S]*https://${host}/x\\?y=1`),
  );
  // Of so short a life, Pebble may ask for renewal at any time, its first moment included.
  await at.suggest(2);
  const preview = await at.pulumi("preview", "--expect-no-changes", "--diff");
  expect({ code: preview.code, said: preview.code === 0 ? "" : preview.said }).toEqual({ code: 0, said: "" });
}, 240_000);

test("with the zone's key encrypted in the stack's file, the records are verified and the documents written all the same", async () => {
  expect(readFileSync(at.file, "utf8")).not.toContain(at.names.vendor.keys.records.secret);
  const verified = await at.script("verify", "dns", "prod");
  expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining("all 2 records are right")]);
  const written = await at.script("documents", "prod", "--out", join(at.folder, "documents"));
  expect({ code: written.code, said: written.code === 0 ? "" : written.said }).toEqual({ code: 0, said: "" });
});

test("the customer's instructions have the CAA record that lets this account alone issue; by another account's, verify and every run say so", async () => {
  const [file = ""] = (await at.within("ls /etc/onprem/acme/*.json"))
    .split("\n")
    .filter((name) => !name.includes("test-"));
  const { uri } = JSON.parse(await at.within(`cat ${file}`));
  const out = join(at.folder, "with-account");
  const asked = async (account: string) => {
    await at.set("https.acme.account", account);
    const { code } = await at.script("documents", "prod", "--only", "dns", "--language", "en", "--out", out);
    expect(code).toBe(0);
    const lines = readFileSync(join(out, "dns-en.zone"), "utf8").split("\n");
    const line = lines.find((text) => text.includes(" IN CAA "))?.replace(/^; /, "") ?? "";
    expect(line).toContain(`issue "${at.authority.name}; accounturi=${account}; validationmethods=dns-01"`);
    await at.names.customer.write([...at.records, line]);
  };

  await asked(`${uri}0`);
  const wrong = await at.script("verify", "dns", "prod");
  expect([wrong.code, wrong.stdout]).toEqual([
    1,
    expect.stringContaining(`let ${at.authority.name} issue to another account alone`),
  ]);
  const preview = await at.pulumi("preview");
  expect(preview.said).toContain("issue to another account alone");
  expect(preview.said).toContain(`https.acme.account is ${uri}0, and ${host} has the account ${uri}`);

  await asked(uri);
  const right = await at.script("verify", "dns", "prod");
  expect([right.code, right.stdout]).toEqual([0, expect.stringContaining("all 2 records are right")]);
}, 120_000);

test("DNS-2: npm run renew renews what is due, and nothing else, through three lives of hours under load; no request fails", async () => {
  const renew = async () => {
    const { code, stdout } = await at.script("renew", "prod", "--json");
    const [{ errors, certificates }] = JSON.parse(stdout).stacks;
    return [code, errors, certificates[0]?.renewed];
  };
  await at.within("rm /etc/chrony/chrony.conf");
  const { v4 } = at.lab.machine("prod").addresses;
  const roots = await at.authority.issuers();
  await using load = new HttpsLoad(at.internal, { host, address: v4, roots, contains: "</html>" });
  const lives = [await at.serial()];
  await load.seen(lives[0] ?? "");
  expect(await renew()).toEqual([0, [], false]);
  for (let life = 0; life < 3; life += 1) {
    await at.suggest(-2);
    expect(await renew()).toEqual([0, [], true]);
    lives.push(await at.serial());
    await load.seen(lives.at(-1) ?? "");
  }
  const counts = Object.values(await load.stop());
  expect(counts.flatMap(({ failures }) => failures)).toEqual([]);
  expect(load.serials).toEqual(lives);
  expect(new Set(lives).size).toBe(4);
  for (const { requests } of counts) expect(requests).toBeGreaterThan(100);
  // A name that has a certificate is the real authority's alone.
  expect((await ordered(at.testAuthority)).filter((step) => step === "finalize")).toHaveLength(1);
  // Where the authority says no, the report says why, and with time left nobody is called.
  await at.authority.fail({ kind: "rejecting", detail: "closed for the night" });
  await at.suggest(-2);
  const { code, stdout } = await at.script("renew", "prod");
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^ok .*\nwarned {2}prod [\s\S]*closed for the night/)]);
  await at.authority.heal();
  // What else has drifted waits for an update.
  expect(await at.within("ls /etc/chrony/chrony.conf 2>/dev/null || echo gone")).toBe("gone");
}, 240_000);

test("the accounts' keys stand on the server alone, and with the key that binds one, and the zone's, nowhere else", async () => {
  const files = (await at.within("ls /etc/onprem/acme/*.json")).split("\n");
  const accounts = await Promise.all(files.map((file) => at.within(`cat ${file}`)));
  const keys = accounts.flatMap((account) => spellingsOfKey(JSON.parse(account).key));
  const given = [at.externalAccount.hmacKey, at.names.vendor.keys.records.secret].flatMap(spellingsOf);
  const secrets = [...keys, ...given];
  const places: Record<string, string> = {
    state: await at.export(),
    "folder of the stack: configuration, state, its backups and its history": await everythingIn(at.stacks.folder),
    "what programs have said, the engine at its highest verbosity": withoutEnginesDump(at.said.join("\n")),
    processes: commandLines,
    "the server's journal": await at.within("journalctl -q -o json --all --no-pager"),
    "files on this machine that everybody may read": (await Promise.all(secrets.map(readableHere))).join(""),
  };
  expect(placesOf(secrets, places)).toEqual([]);
  // The search would find them if they were there: the engine was seen at work, and each key is found in its file.
  expect([places.processes, places["what programs have said, the engine at its highest verbosity"]]).toEqual([
    expect.stringContaining("pulumi"),
    expect.stringContaining("onprem:acme:AcmeAccount"),
  ]);
  const holding = (words: readonly string[]) =>
    at.within(
      `find / /run /dev/shm -xdev -type f -newermt '-30 minutes' -exec grep -lF ${words.map((word) => `-e '${word}'`).join(" ")} {} + | sort -u || true`,
    );
  expect([await holding(keys), await holding(given)]).toEqual([files.join("\n"), ""]);
  expect(await at.within("stat -c '%U %a' /etc/onprem/acme/*.json | sort -u")).toBe("root 600");
}, 120_000);

test("destroying takes the address from the vendor's zone, and the server shows nothing any more", async () => {
  const { code, said } = await at.pulumi("destroy", "--yes", "--skip-preview");
  expect({ code, said: code === 0 ? "" : said }).toEqual({ code: 0, said: "" });
  const { v4 } = at.names.servers.vendor1;
  expect(await at.lab.within("vendor", `dig +short +norecurse @${v4} A ${host}.${at.names.vendor.zone}`)).toBe("");
  expect((await at.visit(`https://${host}/`)).code).not.toBe(0);
}, 120_000);
