import { asCsv } from "../../infra/documents/csv.ts";
import type { Language } from "../../infra/documents/document.ts";
import { firewallRequest, firewallSheet, type RequestSettings } from "../../infra/documents/firewall-request.ts";
import { asHtml } from "../../infra/documents/html.ts";
import { asMarkdown } from "../../infra/documents/markdown.ts";

/** Forms in which a document can be had. */
export const forms = ["md", "html", "csv"] as const;
export type Form = (typeof forms)[number];

/** The documents of a customer's stacks: text by file name. Pure; the same settings give the same bytes. */
export function written(
  stacks: readonly RequestSettings[],
  languages: readonly Language[],
  chosen: readonly Form[],
): Map<string, string> {
  const texts: Readonly<Record<Form, (language: Language) => string>> = {
    md: (language) => asMarkdown(firewallRequest(stacks, language)),
    html: (language) => asHtml(firewallRequest(stacks, language)),
    csv: (language) => asCsv(firewallSheet(stacks, language), language),
  };
  return new Map(
    languages.flatMap((language) => chosen.map((form) => [`firewall-${language}.${form}`, texts[form](language)])),
  );
}
