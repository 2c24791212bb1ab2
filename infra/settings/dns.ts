import { z } from "zod";
import { ipAddress } from "../provider/ranges.ts";
import { zoneSettings } from "../provider/zones/settings.ts";
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
        "Whether each run looks at the customer's records, and shows what is not right as a warning and as drift.",
      ),
    issuers: z
      .array(domainName)
      .min(1)
      .default(["letsencrypt.org"])
      .describe("Domains by which CAA records name the certificate authority (RFC 8659)."),
    zone: zoneSettings
      .optional()
      .describe("The vendor's zone: who keeps it, and by what right it is written to. What `https.acme` needs."),
  })
  .describe("The server's name in DNS: the customer's two records, and who sees them.");

/** Names in DNS, complete. */
export type DnsSettings = z.output<typeof dns>;
