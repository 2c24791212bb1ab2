import { z } from "zod";
import { ipAddress } from "../provider/ranges.ts";
import { zoneSettings } from "../provider/zones/settings.ts";
import { usualDirectory } from "./https.ts";
import { domainName } from "./names.ts";

/** The server's name in DNS (DNS-3 to DNS-10). */
export const dns = z
  .strictObject({
    suffix: domainName
      .default("os2mo-on-prem.magentahosted.dk")
      .describe(
        "The vendor's zone, to which the customer's two records point: each name is repeated in front of it (DNS-6).",
      ),
    resolvers: z
      .array(ipAddress)
      .default([])
      .describe(
        "Addresses of resolvers outside the customer's network, which see names as a certificate authority does; by default those of the machine that asks.",
      ),
    verify: z
      .boolean()
      .default(true)
      .describe(
        "Whether each run looks at the customer's records, and shows what is not right as a warning and as drift. With `https.acme` it always does.",
      ),
    issuers: z
      .array(domainName)
      .min(1)
      .optional()
      .describe(
        "Domains by which CAA records name the certificate authority (RFC 8659). Known for Let's Encrypt; required for another `https.acme.directory`.",
      ),
    adopt: z
      .boolean()
      .default(false)
      .describe(
        "Whether the server's name in the vendor's zone is taken over where it leads elsewhere already; where it led is put back when the stack is destroyed.",
      ),
    zone: zoneSettings
      .optional()
      .describe("The vendor's zone: who keeps it, and by what right it is written to. What `https.acme` needs."),
  })
  .describe("The server's name in DNS: the customer's two records, and who sees them.");

/** Names in DNS, complete. */
export type DnsSettings = Omit<z.output<typeof dns>, "issuers"> & {
  /** Domains by which CAA records name the certificate authority. */
  readonly issuers: readonly string[];
};

/** What is read of names, with the issuers of the authority where they are not said. */
export function completeDns(read: z.output<typeof dns>, directory: string | undefined): DnsSettings {
  return { ...read, issuers: read.issuers ?? knownIssuers(directory) ?? [] };
}

/**
 * By which domains CAA records name an authority whose directory is known; `undefined` for any other. Where no certificate is asked for yet,
 * it is Let's Encrypt's that will be.
 */
export function knownIssuers(directory: string = usualDirectory): readonly string[] | undefined {
  const host = URL.parse(directory)?.hostname ?? "";
  return /^acme-(v02|staging-v02)\.api\.letsencrypt\.org$/.test(host) ? ["letsencrypt.org"] : undefined;
}
