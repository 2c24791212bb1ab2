import { asCsv } from "../../infra/documents/csv.ts";
import { type DnsRequestSettings, dnsInstructions, dnsSheet, dnsZoneLines } from "../../infra/documents/dns-records.ts";
import type { CustomerDocument, Language, Table } from "../../infra/documents/document.ts";
import { firewallRequest, firewallSheet, type RequestSettings } from "../../infra/documents/firewall-request.ts";
import { asHtml } from "../../infra/documents/html.ts";
import { asMail } from "../../infra/documents/mail.ts";
import { asMarkdown } from "../../infra/documents/markdown.ts";
import { dnsScript } from "../../infra/documents/power-shell.ts";

/** Forms in which a document can be had. */
export const forms = ["md", "html", "eml", "csv", "zone", "ps1"] as const;
export type Form = (typeof forms)[number];

/** What a customer receives. */
export const documents = ["firewall", "dns"] as const;
export type DocumentName = (typeof documents)[number];

/** Settings by what needs them; nothing where a document was not asked for. */
export interface Stacks {
  readonly firewall?: readonly RequestSettings[];
  readonly dns?: readonly DnsRequestSettings[];
}

/** The documents of a customer's stacks: text by file name. Pure; the same settings give the same bytes. */
export function written(
  { firewall, dns }: Stacks,
  languages: readonly Language[],
  chosen: readonly Form[],
): Map<string, string> {
  const texts = new Map<string, string>();
  for (const language of languages) {
    const all: Record<string, Partial<Record<Form, () => string>>> = {
      ...(firewall && { firewall: common(firewallRequest(firewall, language), firewallSheet(firewall, language)) }),
      ...(dns && {
        dns: {
          ...common(dnsInstructions(dns, language, `dns-${language}.ps1`), dnsSheet(dns, language)),
          zone: () => dnsZoneLines(dns, language),
          ps1: () => dnsScript(dns, language),
        },
      }),
    };
    for (const [name, ways] of Object.entries(all)) {
      for (const form of chosen) {
        const text = ways[form]?.();
        if (text !== undefined) texts.set(`${name}-${language}.${form}`, text);
      }
    }
  }
  return texts;
}

function common(document: CustomerDocument, sheet: Table) {
  return {
    md: () => asMarkdown(document),
    html: () => asHtml(document),
    eml: () => asMail(document),
    csv: () => asCsv(sheet, document.language),
  };
}
