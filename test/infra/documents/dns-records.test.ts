import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { caaRequests } from "../../../infra/documents/caa-request.ts";
import {
  type DnsRequestSettings,
  dnsInstructions,
  dnsSheet,
  dnsZoneLines,
} from "../../../infra/documents/dns-records.ts";
import { dnsTexts } from "../../../infra/documents/dns-texts.ts";
import { languages } from "../../../infra/documents/document.ts";
import { dnsScript } from "../../../infra/documents/power-shell.ts";
import { type Environment, environments, readNames } from "../../../infra/settings.ts";

const suffix = "os2mo-on-prem.magentahosted.dk";
const names = (environment: Environment, more: object = {}) =>
  readNames("any", {
    "os2mo-on-prem:environment": environment,
    "os2mo-on-prem:customer": JSON.stringify({ name: "Sønderby Kommune", domain: "sønderby.dk" }),
    ...Object.fromEntries(Object.entries(more).map(([key, value]) => [`os2mo-on-prem:${key}`, JSON.stringify(value)])),
  });
const three: DnsRequestSettings[] = environments.map((environment) => names(environment));

const withAccount = (account: string) => ({
  acme: { directory: "https://acme-v02.api.letsencrypt.org/directory", account },
});

test("the CAA record of another authority names it as the settings do, and stands in the zone that the server's name is in", () => {
  const acme = { directory: "https://acme.ca-kommune.dk/directory", account: "https://acme.ca-kommune.dk/acct/7" };
  const more = {
    dns: { issuers: ["ca-kommune.dk", "old-kommune.dk"] },
    https: { acme },
    server: { hostname: "mo.it.nabo.dk" },
  };
  expect(caaRequests([names("test", more)])).toEqual([
    { owner: "it.nabo.dk", data: `0 issue "ca-kommune.dk; accounturi=${acme.account}; validationmethods=dns-01"` },
  ]);
});

test.each([
  ["not complete", { acme: {} }],
  ["mistaken elsewhere", { acme: { contacts: ["x@kommune.example"], nextRun: "soon" } }],
  ["no settings", "garbage"],
  ["blank", null],
  ["blank inside", { acme: null }],
])("the instructions can be written while the settings of HTTPS are %s", (_, https) => {
  expect(caaRequests([names("production", { https })])).toHaveLength(1);
});

test("DNS-3 to DNS-7: three servers give six records, each name repeated in front of the suffix, the label first on both sides", () => {
  const rows = dnsSheet(three, "en").rows.map(([, , owner, type, target]) => `${owner} ${type} ${target}`);
  expect(rows).toEqual(
    ["os2mo-udvikling", "os2mo-test", "os2mo"].flatMap((host) =>
      [`${host}.xn--snderby-q1a.dk`, `_acme-challenge.${host}.xn--snderby-q1a.dk`].map(
        (owner) => `${owner} CNAME ${owner}.${suffix}`,
      ),
    ),
  );
});

test("DNS-9: lines for a zone file are absolute on both sides, and a customer's name cannot break out of its comment", () => {
  const hostile = { customer: { name: "A\nevil IN A 1.2.3.4", domain: "a.dk" } };
  expect(dnsZoneLines([names("production", hostile)], "en").split("\n")).toEqual([
    "; OS2mo at A evil IN A 1.2.3.4: CNAME records. The closing dot belongs to the name.",
    `os2mo.a.dk. 3600 IN CNAME os2mo.a.dk.${suffix}.`,
    `_acme-challenge.os2mo.a.dk. 3600 IN CNAME _acme-challenge.os2mo.a.dk.${suffix}.`,
    `; ${dnsTexts.en.caa.zoneComment}`,
    '; a.dk. 3600 IN CAA 0 issue "letsencrypt.org; validationmethods=dns-01"',
    "",
  ]);
  expect(dnsScript([names("production", hostile)], "en").split("\r\n")[0]).toBe(
    "\uFEFF# OS2mo at A evil IN A 1.2.3.4: CNAME records for Microsoft's DNS server.",
  );
});

test("the script knows each record's zone, and the name in it: the customer's domain, or what the host stands in", () => {
  const other = names("test", { server: { hostname: "mo.it.nabo.dk" } });
  const lines = dnsScript([...three.slice(2), other], "da").split("\r\n");
  expect(lines.filter((line) => line.includes("@{"))).toEqual(
    [
      ["xn--snderby-q1a.dk", "os2mo.xn--snderby-q1a.dk"],
      ["xn--snderby-q1a.dk", "_acme-challenge.os2mo.xn--snderby-q1a.dk"],
      ["it.nabo.dk", "mo.it.nabo.dk"],
      ["it.nabo.dk", "_acme-challenge.mo.it.nabo.dk"],
    ].map(([zone, owner]) => `    @{ Zone = '${zone}'; Owner = '${owner}'; Target = '${owner}.${suffix}.' }`),
  );
  expect(dnsSheet([other], "en").rows.map((row) => row.slice(5, 7))).toEqual([
    ["it.nabo.dk", "mo"],
    ["it.nabo.dk", "_acme-challenge.mo"],
  ]);
});

test("the script asks for a name's own records alone, and every call of the DNS server stops it where it fails", () => {
  const calls = dnsScript(three, "en")
    .split("\r\n")
    .filter((line) => /-DnsServer/.test(line));
  expect(calls.map((line) => /[A-Z][a-z]+-DnsServer[A-Za-z]+/.exec(line)?.[0])).toEqual([
    "Get-DnsServerZone",
    "Get-DnsServerResourceRecord",
    "Add-DnsServerResourceRecordCName",
  ]);
  for (const call of calls) expect(call).toContain("-ErrorAction Stop");
  expect(calls[1]).toContain(" -Name $name -Node ");
});

describe.each(languages)("in %s", (language) => {
  const texts = dnsTexts[language];
  const document = dnsInstructions(three, language, { file: "dns.ps1" });

  test("says why each record is there, what to do with split DNS, and how to test each of them", () => {
    expect(
      document.sections.map(({ table, code }) => [table?.rows.length ?? 0, code?.map(({ lines }) => lines.length)]),
    ).toEqual([
      [2, undefined],
      [2, undefined],
      [2, undefined],
      [0, [6, 2]],
      [0, undefined],
      [0, [1]],
      [0, [6, 6, 6, 3]],
      [0, undefined],
    ]);
    for (const { table } of document.sections.slice(0, 3)) {
      expect(table?.rows.map((row) => row[3])).toEqual([texts.purposes.host, texts.purposes.challenge]);
    }
    expect(document.sections[4]?.paragraphs?.join()).toContain(suffix);
    const code = document.sections[6]?.code?.map(({ lines }) => lines);
    expect(code?.at(-2)).toEqual(dnsSheet(three, language).rows.map((row) => row[4]));
    expect(code?.at(-1)).toEqual(three.map(({ server }) => `nslookup ${server.hostname}`));
  });

  test("says what a domain with CAA records needs, and of the accounts where they are known (RFC 8659, RFC 8657)", () => {
    const { caa } = texts;
    const section = (stacks: readonly DnsRequestSettings[]) =>
      dnsInstructions(stacks, language).sections.find(({ heading }) => heading === caa.heading);
    const domain = "xn--snderby-q1a.dk. 3600 IN CAA 0 issue";
    const lines = (of: DnsRequestSettings[]) => section(of)?.code?.flatMap((code) => code.lines);
    expect(lines(three)).toEqual([`${domain} "letsencrypt.org; validationmethods=dns-01"`]);
    expect(section(three)?.paragraphs).toEqual([...caa.paragraphs, caa.anyAccount]);

    const at = (number: number) => `https://acme-v02.api.letsencrypt.org/acme/acct/${number}`;
    const known = three.map((settings, index) => ({ ...settings, https: withAccount(at(index)) }));
    expect(lines(known)).toEqual(
      [0, 1, 2].map((one) => `${domain} "letsencrypt.org; accounturi=${at(one)}; validationmethods=dns-01"`),
    );
    expect(section(known)?.paragraphs).toEqual([...caa.paragraphs, caa.accounts]);
    // A record without an account lets any have a certificate, and those beside it would promise what does not hold.
    const some = [...known.slice(0, 2), ...three.slice(2)];
    expect(lines(some)).toEqual(lines(three));
    expect(section(some)?.paragraphs?.at(-1)).toBe(caa.anyAccount);
  });

  test("says what is typed where a program adds the domain", () => {
    const short = dnsSheet(three, language).rows[1]?.[6] ?? "";
    expect(short).toBe("_acme-challenge.os2mo-udvikling");
    expect(document.sections[3]?.paragraphs?.join()).toContain(`${short};`);
  });

  test("speaks of the script where there is one, and of the name that it is sent by", () => {
    const captions = (...script: Parameters<typeof dnsInstructions>[2][]) =>
      dnsInstructions(three, language, ...script).sections[3]?.code?.map(({ caption }) => caption);
    expect(captions()).toEqual([texts.create.zoneFile]);
    expect(captions({ file: "dns.ps1" })).toEqual([texts.create.zoneFile, texts.create.powerShell("dns.ps1")]);
    expect(captions({ file: "dns.ps1", sentAs: "dns.ps1.txt" })?.[1]).toMatch(/dns\.ps1\.txt.*dns\.ps1[.;]/);
    const run = "powershell -ExecutionPolicy Bypass -File .\\dns.ps1";
    expect(document.sections[3]?.code?.[1]?.lines).toEqual([`${run} -WhatIf`, run]);
  });

  test("DNS-8: shows a name with letters beyond a to z in both forms, whatever the form of the document", () => {
    const both = texts.readable("os2mo.sønderby.dk", "os2mo.xn--snderby-q1a.dk");
    expect(document.sections[2]?.heading).toContain("os2mo.sønderby.dk");
    expect(document.sections[2]?.paragraphs).toEqual([both]);
    expect(dnsZoneLines(three, language)).toContain(`\n; ${both}\n`);
    expect(dnsScript(three, language)).toContain(`\r\n# ${both}\r\n`);
    expect(dnsSheet(three, language).rows.at(-1)?.slice(0, 3)).toEqual([
      "os2mo.sønderby.dk",
      texts.environments.production,
      "_acme-challenge.os2mo.xn--snderby-q1a.dk",
    ]);
  });
});

test("DNS-6, DNS-10: whatever the names, both sides fit into DNS or the settings are refused", () => {
  const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,40}[a-z0-9])?$/);
  const domain = fc.array(label, { minLength: 2, maxLength: 6 }).map((labels) => labels.join("."));
  fc.assert(
    fc.property(domain, domain, (host, zone) => {
      let settings: DnsRequestSettings;
      try {
        settings = names("production", { server: { hostname: host }, dns: { suffix: zone } });
      } catch {
        return;
      }
      for (const [, , owner = "", , target = ""] of dnsSheet([settings], "en").rows) {
        expect(target).toBe(`${owner}.${zone}`);
        expect(target.length).toBeLessThanOrEqual(253);
        expect(target.split(".").every((part) => part.length <= 63)).toBe(true);
      }
    }),
  );
});
