import fc from "fast-check";
import { describe, expect, test } from "vitest";
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

describe.each(languages)("in %s", (language) => {
  const texts = dnsTexts[language];
  const document = dnsInstructions(three, language, "dns.ps1");

  test("says why each record is there, what to do with split DNS, and how to test each of them", () => {
    expect(
      document.sections.map(({ table, code }) => [table?.rows.length ?? 0, code?.map(({ lines }) => lines.length)]),
    ).toEqual([
      [2, undefined],
      [2, undefined],
      [2, undefined],
      [0, [6]],
      [0, undefined],
      [0, [6, 6, 6]],
      [0, undefined],
    ]);
    for (const { table } of document.sections.slice(0, 3)) {
      expect(table?.rows.map((row) => row[3])).toEqual([texts.purposes.host, texts.purposes.challenge]);
    }
    expect(document.sections[4]?.paragraphs?.join()).toContain(suffix);
    const answers = document.sections[5]?.code?.at(-1)?.lines;
    expect(answers).toEqual(dnsSheet(three, language).rows.map((row) => row[4]));
  });

  test("shows a name with letters beyond a to z in both forms", () => {
    expect(document.sections[2]?.heading).toContain("os2mo.sønderby.dk");
    expect(document.sections[2]?.paragraphs).toEqual([texts.readable("os2mo.sønderby.dk", "os2mo.xn--snderby-q1a.dk")]);
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
