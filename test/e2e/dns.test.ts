import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { type LabNames, placeNames } from "../../lab/names.ts";
import { labSettings } from "../../lab/settings.ts";
import { finish } from "../../scripts/command.ts";
import { projectFolder } from "../../scripts/engine/environment.ts";
import { OwnLab } from "./own-lab.ts";
import { Stack } from "./stack.ts";

// DNS-3 to DNS-9: the customer's records on three real name servers, the vendor's on two, a resolver outside and one inside. A lab of its own.

const host = "os2mo.kommune.test";
const challenge = `_acme-challenge.${host}`;
let lab: OwnLab;
let names: LabNames;
let folder: string;
let file: string;
/** The two records as the customer gets them, from the lines for a zone file. */
let right: string[];

const script = (name: string, ...words: string[]) =>
  finish([process.execPath, join(projectFolder, "scripts", `${name}.ts`), ...words], { env: process.env });
const verify = (...more: string[]) => script("verify", "dns", "prod", "--config-file", file, ...more);

/** `--watch`, and a wait until it has told something. */
function watch() {
  const lines: string[] = [];
  const words = ["dns", "prod", "--config-file", file, "--watch", "--every", "1"];
  const ended = finish([process.execPath, join(projectFolder, "scripts", "verify.ts"), ...words], {
    env: process.env,
    onLine: (line) => lines.push(line),
  });
  return { ended, told: (what: RegExp) => expect.poll(() => lines.join("\n"), { timeout: 45_000 }).toMatch(what) };
}

interface Told {
  right: boolean;
  expected: { owner: string };
  findings: { kind: string; severity: string; said: string; remedy: string; where: string[] }[];
}

/** What is found of each record: `host missing`, `challenge caa (warning)`; and the exit code. */
async function found() {
  const { code, stdout, stderr } = await verify("--json");
  if (stdout === "") throw new Error(stderr);
  const { records, unasked } = JSON.parse(stdout) as { records: Told[]; unasked?: string };
  const kinds = records.flatMap(({ expected, findings }) =>
    findings.map(
      ({ kind, severity }) =>
        `${expected.owner === host ? "host" : "challenge"} ${kind}${severity === "warning" ? " (warning)" : ""}`,
    ),
  );
  // One for each resolver that shows it.
  return { code, kinds: [...new Set(kinds)], unasked, findings: records.flatMap(({ findings }) => findings) };
}

beforeAll(async () => {
  lab = await OwnLab.up();
  names = await placeNames(lab.status.name, {}, () => undefined);
  await names.useInside(["prod"]);
  folder = await mkdtemp(join(tmpdir(), "onprem-dns-"));
  file = join(folder, "Pulumi.prod.yaml");
  const settings = labSettings(lab.status, "production");
  const { hostname: _, ...server } = settings["os2mo-on-prem:server"] as { hostname: string };
  const config = {
    ...settings,
    "os2mo-on-prem:customer": { name: "Test Kommune", domain: names.customer.zone },
    "os2mo-on-prem:server": server,
    "os2mo-on-prem:dns": { suffix: names.vendor.zone, resolvers: [names.servers.outside.v4] },
  };
  await writeFile(file, JSON.stringify({ config }));
  const words = ["prod", "--config-file", file, "--only", "dns", "--language", "en", "--form", "zone", "--out", folder];
  const { code, stderr } = await script("documents", ...words);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  const lines = (await readFile(join(folder, "dns-en.zone"), "utf8")).split("\n");
  right = lines.filter((line) => line !== "" && !line.startsWith(";"));
  await names.vendor.write([`${host} A ${lab.machine("prod").addresses.v4}`, `${challenge} TXT "waiting"`]);
}, 200_000);

afterEach(async () => {
  await names.heal();
  await names.customer.write(right);
  await names.customer.inside.write(right);
});

afterAll(async () => {
  await lab.down();
  await rm(folder, { recursive: true, force: true });
});

test("before the customer has done anything, both records are missing, with the line to create", async () => {
  await names.customer.write([]);
  const { code, kinds, findings } = await found();
  expect([code, kinds]).toEqual([1, ["host missing", "challenge missing"]]);
  expect(findings[0]?.remedy).toContain(`${host}. CNAME ${host}.${names.vendor.zone}.`);
  expect(findings[0]?.where).toHaveLength(6);
});

test("DNS-3, DNS-9: the lines for a zone file, as the customer gets them, are loaded by a name server and are right from everywhere", async () => {
  await names.customer.write(right);
  expect(await found()).toMatchObject({ code: 0, kinds: [], unasked: undefined });
  const { stdout } = await verify();
  expect(stdout).toContain(`ok      ${host}  CNAME  ${host}.${names.vendor.zone}\n`);
  expect(stdout).toContain("all 2 records are right\n");
});

describe("what a customer may get wrong is named", () => {
  const [a, b] = [
    `os2mo CNAME ${host}.os2mo-on-prem.vendor.test.`,
    `_acme-challenge.os2mo CNAME ${challenge}.os2mo-on-prem.vendor.test.`,
  ];

  test.each([
    { name: "another target", records: ["os2mo CNAME www", b, "www A 198.18.0.9"], kinds: ["host wrong-target"] },
    { name: "DNS-9: no closing dot", records: [a.slice(0, -1), b], kinds: ["host closing-dot"] },
    { name: "an address instead", records: ["os2mo A 198.18.0.9", b], kinds: ["host missing"] },
    {
      name: "the zone twice in the name",
      records: [`${host} CNAME ${host}.os2mo-on-prem.vendor.test.`, b],
      kinds: ["host owner-doubled"],
    },
    { name: "a loop", records: ["os2mo CNAME two", "two CNAME os2mo", b], kinds: ["host wrong-target", "host loop"] },
    {
      name: "a CAA record for another authority",
      records: [a, b, '@ CAA 0 issue "other.example"'],
      kinds: ["challenge caa"],
    },
  ])("$name", async ({ records, kinds }) => {
    await names.customer.write(records);
    const told = await found();
    expect(told.kinds.filter((kind) => !kind.includes("(warning)"))).toEqual(expect.arrayContaining(kinds));
    expect(told.code).toBe(1);
    for (const { said, remedy } of told.findings) expect([said.length > 20, remedy.length > 10]).toEqual([true, true]);
  });

  test("DNS-8: a CNAME that a name server refuses to load beside another record never gets there", async () => {
    await expect(names.customer.write([a, "os2mo A 198.18.0.9", b])).rejects.toThrow("CNAME and other data");
  });
});

describe("what may be wrong with name servers is told from what is wrong with records", () => {
  test("one of three is stale: only some have the record", async () => {
    await names.customer.write([]);
    await names.makeStale("ns3");
    await names.customer.write(right);
    const { code, kinds, findings } = await found();
    expect([code, kinds]).toEqual([1, ["host partial", "challenge partial"]]);
    expect(findings[0]?.said).toContain("ns3.kommune.test");
  });

  test.each([
    ["dead", () => names.stop("ns2"), "server-silent"],
    ["silent", () => names.silence("ns2"), "server-silent"],
    ["without the zone", () => names.makeLame("ns2"), "lame"],
  ])("one of three is %s: a note, for the others have it", async (_, breaks, kind) => {
    await names.customer.write(right);
    await breaks();
    const { code, kinds, findings } = await found();
    expect(code).toBe(0);
    expect(kinds).toEqual(expect.arrayContaining([`host ${kind} (warning)`, `challenge ${kind} (warning)`]));
    expect(findings[0]?.said).toContain("ns2.kommune.test");
  });

  test("signatures that do not hold: bogus (DNSSEC)", async () => {
    await names.customer.write(right);
    await names.breakSignatures();
    const { code, kinds } = await found();
    expect(code).toBe(1);
    expect(kinds).toEqual(expect.arrayContaining(["host bogus", "challenge bogus"]));
  });

  test("the resolver outside is gone: nothing is called right", async () => {
    await names.customer.write(right);
    await names.silence("outside");
    const { code, kinds } = await found();
    expect(code).toBe(1);
    expect(kinds).toEqual(expect.arrayContaining(["host unreachable", "challenge unreachable"]));
  });
});

test("split DNS: inside without the host record is wrong, without the challenge record a note", async () => {
  await names.customer.write(right);
  await names.customer.inside.write([]);
  const { code, kinds } = await found();
  expect([code, kinds]).toEqual([1, ["host inside-differs", "challenge inside-differs (warning)"]]);
});

test("the host's name leads nowhere yet: the vendor's task, and no mistake of the customer's", async () => {
  await names.customer.write(right);
  await names.vendor.write([`${challenge} TXT "waiting"`]);
  const { code, kinds } = await found();
  expect([code, kinds]).toEqual([0, ["host no-address (warning)"]]);
  await names.vendor.write([`${host} A ${lab.machine("prod").addresses.v4}`, `${challenge} TXT "waiting"`]);
});

test("--watch waits for the customer, tells when each turns right, and ends", async () => {
  await names.customer.write([]);
  const { ended, told: tells } = watch();
  await tells(/^2 of 2 records are not right/m);
  await names.customer.write(right.slice(1));
  await tells(/^1 of 2 records are not right/m);
  await names.customer.write(right);
  const { code, stdout } = await ended;
  expect(code).toBe(0);
  const told = stdout.split("\n").filter((line) => /^(ok|WRONG) |records are/.test(line));
  // A note that comes and goes, while servers follow each other, tells a record once more.
  const lines = told.map((line) => line.replace(/ {2}CNAME.*/, "").replace(/ +/g, " "));
  expect([...new Set(lines)]).toEqual([
    `WRONG ${host}`,
    `WRONG ${challenge}`,
    "2 of 2 records are not right; asking again",
    `ok ${challenge}`,
    "1 of 2 records are not right; asking again",
    `ok ${host}`,
    "all 2 records are right",
  ]);
}, 120_000);

test("--watch outlives the server: while nobody can log in there, it asks from elsewhere, and says so", async () => {
  await names.customer.write(right.slice(1));
  const { ended, told } = watch();
  // By then it has looked from the server, too.
  await told(/^1 of 2 records are not right/m);
  try {
    // Those who are logged in go on when the service stops.
    await lab.within("prod", "systemctl stop ssh; kill $(pgrep -x -u deploy sshd)");
    await told(/^not asked from the server itself: no ssh on /m);
  } finally {
    await lab.within("prod", "systemctl start ssh");
  }
  // It gets there again.
  await new Promise((resolve) => setTimeout(resolve, 8000));
  await names.customer.write(right);
  const { code, stdout } = await ended;
  expect(code).toBe(0);
  expect(stdout.split("\n").at(-2)).toBe("all 2 records are right");
}, 150_000);

test("before there is a server, and with settings that lack everything but names, the world is asked all the same", async () => {
  await names.customer.write(right);
  const early = join(folder, "Pulumi.early.yaml");
  const config = {
    "os2mo-on-prem:environment": "production",
    "os2mo-on-prem:customer": { name: "Test Kommune", domain: names.customer.zone },
    "os2mo-on-prem:dns": { suffix: names.vendor.zone, resolvers: [names.servers.outside.v4] },
  };
  await writeFile(early, JSON.stringify({ config }));
  const { code, stdout } = await script("verify", "dns", "early", "--config-file", early);
  expect(code).toBe(0);
  expect(stdout).toContain("not asked from the server itself: the configuration of stack early has ");
});

test("the same is drift in each preview, a warning with the remedy, and stops what requires it", async () => {
  const { addresses, hostKey, login, fqdn } = lab.machine("prod");
  const connection = { host: addresses.v4, user: "deploy", hostKey, privateKeyFile: login.privateKeyFile, label: fqdn };
  await using stack = await Stack.create({ env: { ...process.env, ...inject("engine") }, connection });
  const records = Object.fromEntries([host, challenge].map((owner) => [owner, `${owner}.${names.vendor.zone}`]));
  const declared = (require = false) => [
    { name: "names", type: "DnsRecords", args: { records, resolvers: [names.servers.outside.v4], require } },
    { name: "after", type: "File", args: { path: "/root/after", content: "x\n" }, after: ["names"] },
  ];
  await names.customer.write(right);
  const first = await stack.up(declared());
  expect([first.errors, first.warnings]).toEqual([[], []]);
  expect((await stack.preview(declared(), "--expect-no-changes")).code).toBe(0);

  await names.customer.write(right.slice(1));
  const drifted = await stack.preview(declared());
  expect([drifted.changes, drifted.diffs]).toEqual([{ names: "update" }, { names: [`records["${host}"]`] }]);
  expect(drifted.warnings.join("\n")).toContain(`${host}. CNAME ${host}.${names.vendor.zone}.`);
  // A run goes on, and it stays drift.
  expect((await stack.up(declared())).errors).toEqual([]);
  expect((await stack.preview(declared())).changes).toEqual({ names: "update" });

  const stopped = await stack.up(declared(true));
  expect(stopped.errors.join("\n")).toContain("DNS instructions (`npm run documents`)");
  await names.customer.write(right);
  expect((await stack.up(declared(true))).errors).toEqual([]);
  expect((await stack.preview(declared(true), "--expect-no-changes")).code).toBe(0);
  await stack.destroy();
}, 120_000);

test("a name server's own checker finds nothing wrong with the lines", () => {
  const zone = [
    "$ORIGIN kommune.test.",
    "@ 60 IN SOA ns1 root 1 60 60 60 60",
    "@ 60 IN NS ns1",
    "ns1 60 IN A 198.18.0.1",
    ...right,
  ];
  const leader = String(lab.machine("vendor").leader);
  const words = [
    "--target",
    leader,
    "--all",
    "--",
    "sh",
    "-c",
    "cat >/run/zone; named-checkzone kommune.test /run/zone",
  ];
  expect(execFileSync("nsenter", words, { input: `${zone.join("\n")}\n`, encoding: "utf8" })).toContain("OK");
});
