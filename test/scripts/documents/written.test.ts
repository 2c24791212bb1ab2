import { expect, test } from "vitest";
import { written } from "../../../scripts/documents/written.ts";
import { sample } from "../../infra/documents/sample.ts";

test("writes each form in each language, and the same bytes each time", () => {
  const all = () => written([sample()], ["da", "en"], ["md", "html", "csv"]);
  expect([...all().keys()]).toEqual(
    ["da", "en"].flatMap((language) => ["md", "html", "csv"].map((form) => `firewall-${language}.${form}`)),
  );
  expect(all()).toEqual(all());
  for (const text of all().values()) expect(text).toContain("os2mo.sonderby.dk");
});

test("writes only what was chosen", () => {
  expect([...written([sample()], ["en"], ["csv"]).keys()]).toEqual(["firewall-en.csv"]);
});
