import { z } from "zod";
import { contact, directoryUrl, externalAccount, pemCertificates } from "../provider/acme-values.ts";
import { isPlainValue } from "../provider/dns/caa-record.ts";

/**
 * The address of an account (RFC 8555, section 7.1.2), which a CAA record can name: without what would end the value there (RFC 8659,
 * section 4.2).
 */
const accountUri = z
  .url({ protocol: /^https$/, hostname: /./, error: "must be an address of https", abort: true })
  .refine(isPlainValue, 'must be ASCII without space, semicolon, " or \\');

/** Let's Encrypt's (Q-SRV-16). */
export const usualDirectory = "https://acme-v02.api.letsencrypt.org/directory";

const acme = z.strictObject({
  directory: directoryUrl
    .default(usualDirectory)
    .describe("Address of the certificate authority's ACME directory (Q-SRV-16)."),
  account: accountUri
    .optional()
    .describe(
      "Address of the server's account there, which the output `https.account` shows once there is one: the customer's instructions then have the CAA record by which no other account gets a certificate (RFC 8657).",
    ),
  roots: pemCertificates
    .optional()
    .describe("Roots in PEM by which the authority itself is known, where it is no public one."),
  testDirectory: directoryUrl
    .optional()
    .describe(
      "Address of a test authority that is asked first for a new name, so that a mistake costs none of the real one's patience: `https://acme-staging-v02.api.letsencrypt.org/directory`.",
    ),
  testRoots: pemCertificates
    .optional()
    .describe("Roots in PEM by which the test authority itself is known, where it is no public one."),
  contacts: z.array(contact).default([]).describe("Mail addresses that the authority may write to."),
  termsAgreed: z
    .literal(true)
    .describe("`true`: somebody has read the authority's terms of service, and agrees to them."),
  externalAccount: externalAccount
    .optional()
    .describe(
      "For an authority that gives accounts to its customers alone: the key of the one there (RFC 8555, section 7.3.4).",
    ),
  profile: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "must be the name of a profile")
    .optional()
    .describe(
      "One of the authority's profiles, such as `tlsserver` or `shortlived`; its usual one where this is left out.",
    ),
  keyType: z
    .enum(["ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096"])
    .default("ecdsa-p256")
    .describe("Type of the certificate's key, which is made on the server and never leaves it."),
  revokeOnDelete: z
    .boolean()
    .default(false)
    .describe("Whether the authority is told to revoke a certificate that is deleted or replaced."),
  nextRun: z
    .int()
    .min(60)
    .max(604_800)
    .default(86_400)
    .describe(
      "Seconds until the next run looks, 60 to 604800: a certificate that falls due before then is renewed now.",
    ),
});

/** HTTPS on the server (DNS-1, DNS-2, NET-4). */
export const https = z
  .strictObject({
    acme: acme
      .optional()
      .describe(
        "Certificates from an authority that speaks ACME, and the web server that shows them; needs `dns.zone`.",
      ),
  })
  .describe("HTTPS on the server, with certificates that renew themselves (DNS-1, DNS-2).");

/** HTTPS, complete. */
export type HttpsSettings = z.output<typeof https>;

/** What instructions for a customer need of HTTPS; the rest may be mistaken, or not be there yet. */
export const namedHttps = z.object({
  acme: z.object({ directory: acme.shape.directory, account: acme.shape.account }).optional(),
});

/** Who issues, and to which account. */
export type Issuing = z.output<typeof namedHttps>;
