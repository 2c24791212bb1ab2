import { readableName } from "../settings/names.ts";
import type { DnsRequestSettings } from "./dns-records.ts";
import { dnsTexts } from "./dns-texts.ts";
import type { Language } from "./document.ts";

/** Of each server whose name has letters beyond a to z, in a line: how people write it, and how DNS does (DNS-8). */
export function readableNames(stacks: readonly Pick<DnsRequestSettings, "server">[], language: Language): string[] {
  return stacks.flatMap(({ server: { hostname } }) => {
    const readable = readableName(hostname);
    return readable === hostname ? [] : [dnsTexts[language].readable(readable, hostname)];
  });
}
