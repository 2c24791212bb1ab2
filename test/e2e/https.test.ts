import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type LabNames, placeNames } from "../../lab/names.ts";
import { type LabAuthority, placeAuthority } from "../../lab/pebble.ts";
import { labSettings } from "../../lab/settings.ts";
import { finish } from "../../scripts/command.ts";
import { projectFolder } from "../../scripts/engine/environment.ts";
import {
  initStacks,
  type LabStacks,
  openLabStacks,
  update,
  writeConfiguration,
} from "../../scripts/start/lab-stack.ts";
import { OwnLab } from "./own-lab.ts";

// DNS-1, DNS-2, NET-4, Q-SRV-7: the whole program, from a bare server to HTTPS that people in the customer's network see. A lab of its own.

const folder = mkdtempSync(join(tmpdir(), "onprem-https-"));
const { signal } = new AbortController();
const host = "os2mo.kommune.test";
let lab: OwnLab;
let names: LabNames;
let authority: LabAuthority;
let stacks: LabStacks;

const file = () => join(stacks.folder, "Pulumi.prod.yaml");
const pulumi = async (...words: string[]) => {
  const ran = await finish(["pulumi", ...words, "--non-interactive", "-C", projectFolder], { env: stacks.env });
  return { code: ran.code, said: ran.stdout + ran.stderr };
};

async function configure(): Promise<void> {
  const settings = labSettings(lab.status, "production");
  const { hostname: _, ...server } = settings["os2mo-on-prem:server"] as { hostname: string };
  const firewall = settings["os2mo-on-prem:firewall"] as { egress: object };
  const { v4, v6 } = names.servers.inside;
  const inside = { ports: [53], to: [v4, v6] };
  const { server: primary, zone, keys } = names.vendor;
  const { name, algorithm } = keys.records;
  await writeConfiguration(stacks, "prod", {
    ...settings,
    "os2mo-on-prem:customer": { name: "Test Kommune", domain: names.customer.zone },
    "os2mo-on-prem:server": server,
    "os2mo-on-prem:firewall": {
      ...firewall,
      egress: {
        ...firewall.egress,
        "dns-inside": { ...inside, protocol: "udp" },
        "dns-inside-tcp": { ...inside, protocol: "tcp" },
      },
    },
    "os2mo-on-prem:dns": {
      suffix: zone,
      resolvers: [names.servers.outside.v4],
      zone: { kind: "rfc2136", zone, server: primary, key: { name, algorithm } },
    },
    "os2mo-on-prem:https": { acme: { directory: authority.directory, roots: authority.roots, termsAgreed: true } },
  });
  const words = ["--stack", "prod", "--config-file", file(), "--secret", "--path", "os2mo-on-prem:dns.zone.key.secret"];
  const ran = await pulumi("config", "set", ...words, keys.records.secret);
  if (ran.code !== 0) throw new Error(ran.said);
}

/** From the customer's own network, by a browser that trusts the authority. */
async function visit(url: string, ...more: string[]) {
  const netns = lab.status.vantagePoints.find(({ name }) => name === "internal")?.netns ?? "";
  const roots = join(folder, "issuers.pem");
  writeFileSync(roots, await authority.issuers());
  const { v4 } = lab.machine("prod").addresses;
  const resolve = [443, 80].flatMap((port) => ["--resolve", `${host}:${port}:${v4}`]);
  const words = ["nsenter", `--net=${netns}`, "curl", "-si", "--max-time", "10", "--cacert", roots] as const;
  const { code, stdout } = await finish([...words, ...resolve, ...more, url], { env: process.env });
  return { code, stdout };
}

beforeAll(async () => {
  lab = await OwnLab.up();
  names = await placeNames(lab.status.name, {}, () => undefined);
  authority = await placeAuthority(lab.status.name, names, { sleep: 0, nonceReject: 5 }, () => undefined);
  await names.useInside(["prod"]);
  stacks = await openLabStacks(join(folder, "stacks"), inject("engine"));
  await initStacks(stacks, ["prod"], signal);
  await configure();
}, 400_000);

afterAll(async () => {
  await lab.down();
  rmSync(folder, { recursive: true, force: true });
});

const records = () => {
  const { zone } = names.vendor;
  return [`os2mo CNAME ${host}.${zone}.`, `_acme-challenge.os2mo CNAME _acme-challenge.${host}.${zone}.`];
};

test("before the customer's records are there, the server is set up and the authority is asked for nothing", async () => {
  // A preview, which `pulumi up` begins with, shows what is missing and does not fail for it.
  const preview = await pulumi("preview", "--stack", "prod", "--config-file", file());
  expect({ code: preview.code, said: preview.code === 0 ? "" : preview.said }).toEqual({ code: 0, said: "" });
  expect(preview.said).toContain(`${host}. CNAME ${host}.${names.vendor.zone}.`);
  const { errors, changes } = await update(stacks, "prod", signal, () => {});
  expect(errors.join("\n")).toContain(`${host}. CNAME ${host}.${names.vendor.zone}.`);
  expect(changes.create).toEqual(expect.arrayContaining(["Firewall server-firewall"]));
  expect(await authority.requests()).toEqual([]);
}, 180_000);

test("DNS-1, NET-4, Q-SRV-7: with them one run ends in HTTPS, and people see which server it is", async () => {
  await names.customer.write(records());
  const { errors, warnings } = await update(stacks, "prod", signal, () => {});
  expect(errors).toEqual([]);
  expect(warnings.filter((warning) => warning.includes("certificate"))).toEqual([]);
  const page = await visit(`https://${host}/`);
  expect(page.code).toBe(0);
  expect(page.stdout).toMatch(/^HTTP\/2 200/);
  expect(page.stdout).toMatch(/strict-transport-security: max-age=63072000/i);
  expect(page.stdout).toContain("Test Kommune");
  expect((await visit(`http://${host}/x?y=1`)).stdout).toMatch(
    new RegExp(`^HTTP/1.1 30[18][\\s\\S]*https://${host}/x\\?y=1`),
  );
  const words = ["--stack", "prod", "--config-file", file(), "--expect-no-changes", "--diff"];
  const preview = await pulumi("preview", ...words);
  expect({ code: preview.code, said: preview.code === 0 ? "" : preview.said }).toEqual({ code: 0, said: "" });
}, 240_000);

test("with the zone's key encrypted in the stack's file, the records are verified and the documents written all the same", async () => {
  expect(readFileSync(file(), "utf8")).not.toContain(names.vendor.keys.records.secret);
  const script = (name: string, ...words: string[]) =>
    finish([process.execPath, join(projectFolder, "scripts", `${name}.ts`), ...words, "--config-file", file()], {
      env: stacks.env,
    });
  const verified = await script("verify", "dns", "prod");
  expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining("all 2 records are right")]);
  const written = await script("documents", "prod", "--out", join(folder, "documents"));
  expect({ code: written.code, said: written.code === 0 ? "" : written.stderr }).toEqual({ code: 0, said: "" });
});

test("npm run renew renews what is due, and nothing else; its report says so", async () => {
  const renew = () =>
    finish([process.execPath, join(projectFolder, "scripts", "renew.ts"), "prod", "--config-file", file(), "--json"], {
      env: stacks.env,
    });
  const quiet = await renew();
  const [first] = JSON.parse(quiet.stdout).stacks;
  expect([quiet.code, first.errors, first.certificates[0]?.renewed]).toEqual([0, [], false]);
  await lab.within("prod", "rm /etc/chrony/chrony.conf");
  const chain = await lab.within("prod", "cat /etc/onprem/tls/live/fullchain.pem");
  const now = Date.now();
  const window = { start: new Date(now - 7_200_000).toISOString(), end: new Date(now - 3_600_000).toISOString() };
  await authority.suggest(chain, { suggestedWindow: window });
  const ran = await renew();
  const [second] = JSON.parse(ran.stdout).stacks;
  expect([ran.code, second.errors, second.certificates[0]?.renewed]).toEqual([0, [], true]);
  expect((await visit(`https://${host}/`)).code).toBe(0);
  // What else has drifted waits for an update.
  expect(await lab.within("prod", "ls /etc/chrony/chrony.conf 2>/dev/null || echo gone")).toBe("gone");
}, 180_000);

test("destroying takes the address from the vendor's zone, and the server shows nothing any more", async () => {
  const { code, said } = await pulumi("destroy", "--stack", "prod", "--config-file", file(), "--yes", "--skip-preview");
  expect({ code, said: code === 0 ? "" : said }).toEqual({ code: 0, said: "" });
  const { v4 } = names.servers.vendor1;
  expect(await lab.within("vendor", `dig +short +norecurse @${v4} A ${host}.${names.vendor.zone}`)).toBe("");
  expect((await visit(`https://${host}/`)).code).not.toBe(0);
}, 120_000);
