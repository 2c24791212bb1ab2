import { asCsv } from "../../infra/documents/csv.ts";
import { type DnsRequestSettings, dnsInstructions, dnsSheet, dnsZoneLines } from "../../infra/documents/dns-records.ts";
import type { CustomerDocument, Language } from "../../infra/documents/document.ts";
import { firewallRequest, firewallSheet, type RequestSettings } from "../../infra/documents/firewall-request.ts";
import { asHtml } from "../../infra/documents/html.ts";
import { type Attachment, asMail } from "../../infra/documents/mail.ts";
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
      ...(firewall && { firewall: ofFirewall(firewall, language) }),
      ...(dns && { dns: ofDns(dns, language, chosen) }),
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

function ofFirewall(stacks: readonly RequestSettings[], language: Language) {
  const document = firewallRequest(stacks, language);
  const csv = () => asCsv(firewallSheet(stacks, language), language);
  return {
    ...ofText(document),
    eml: () => asMail(document, [attachment(`firewall-${language}.csv`, csv())]),
    csv,
  };
}

function ofDns(stacks: readonly DnsRequestSettings[], language: Language, chosen: readonly Form[]) {
  const file = `dns-${language}.ps1`;
  const csv = () => asCsv(dnsSheet(stacks, language), language);
  const zone = () => dnsZoneLines(stacks, language);
  const ps1 = () => dnsScript(stacks, language);
  // A mail that is sent on has what it speaks of with it; mail programs hold a script back by its name.
  const sentAs = `${file}.txt`;
  const files = () => [
    attachment(`dns-${language}.zone`, zone()),
    attachment(`dns-${language}.csv`, csv()),
    attachment(sentAs, ps1()),
  ];
  return {
    ...ofText(dnsInstructions(stacks, language, chosen.includes("ps1") ? { file } : undefined)),
    eml: () => asMail(dnsInstructions(stacks, language, { file, sentAs }), files()),
    csv,
    zone,
    ps1,
  };
}

function ofText(document: CustomerDocument) {
  return { md: () => asMarkdown(document), html: () => asHtml(document) };
}

function attachment(name: string, text: string): Attachment {
  return { name, type: name.endsWith(".csv") ? "text/csv" : "text/plain", text };
}
