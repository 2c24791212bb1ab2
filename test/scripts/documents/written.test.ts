import { expect, test } from "vitest";
import { written } from "../../../scripts/documents/written.ts";
import { sample } from "../../infra/documents/sample.ts";

const stacks = { firewall: [sample()], dns: [sample()] };
const common = ["md", "html", "eml", "csv"] as const;

test("writes each form in each language, and the same bytes each time", () => {
  const all = () => written(stacks, ["da", "en"], [...common, "zone", "ps1"]);
  expect([...all().keys()].sort()).toEqual(
    ["da", "en"]
      .flatMap((language) => [
        ...common.flatMap((form) => [`firewall-${language}.${form}`, `dns-${language}.${form}`]),
        `dns-${language}.zone`,
        `dns-${language}.ps1`,
      ])
      .sort(),
  );
  expect(all()).toEqual(all());
  for (const [name, text] of all()) if (!name.endsWith(".eml")) expect(text).toContain("os2mo.sonderby.dk");
});

test("a mail has with it what it speaks of; a document that is written without the script says nothing of one", () => {
  const mail = written({ dns: stacks.dns }, ["da"], ["eml"]).get("dns-da.eml") ?? "";
  const names = [...mail.matchAll(/attachment; filename="([^"]+)"/g)].map(([, name]) => name);
  expect(names).toEqual(["dns-da.zone", "dns-da.csv", "dns-da.ps1.txt"]);
  const page = (...forms: ("html" | "ps1")[]) => written({ dns: stacks.dns }, ["da"], forms).get("dns-da.html");
  expect(page("html")).not.toContain("dns-da.ps1");
  expect(page("html", "ps1")).toContain("dns-da.ps1");
});

test("writes only what was chosen", () => {
  expect([...written({ firewall: stacks.firewall }, ["en"], ["csv", "zone"]).keys()]).toEqual(["firewall-en.csv"]);
  expect([...written({ dns: stacks.dns }, ["da"], ["zone"]).keys()]).toEqual(["dns-da.zone"]);
});
