import { createHash } from "node:crypto";
import { z } from "zod";

/** Where accounts are kept on a host, root's alone: a file for each authority. */
export const accountFolder = "/etc/onprem/acme";

/**
 * An account at an authority, as its file has it. The key stays on the host, and is read by a run that asks for a certificate. Without its
 * address there is a key alone, which the authority was, or was to be, told of: the next run goes on with it.
 */
export const accountSchema = z.object({
  directory: z.string(),
  uri: z.string().optional(),
  contacts: z.array(z.string()),
  key: z.string(),
});
export type AccountFile = z.output<typeof accountSchema>;

/** One file for each directory: its host's name for people, and a hash for what else tells it apart. */
export function accountPath(directory: string): string {
  const { hostname } = new URL(directory);
  const hash = createHash("sha256").update(directory).digest("hex").slice(0, 8);
  return `${accountFolder}/${hostname.replace(/[^a-z0-9.-]/g, "_")}-${hash}.json`;
}

/** The address of an authority's directory (RFC 8555, section 7.1.1). */
export const directoryUrl = z.url({ protocol: /^https$/, hostname: /./, error: "must be an address of https" });

/** Certificates in PEM, one or more. */
export const pemCertificates = z
  .string()
  .regex(
    /^\s*(-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+$/,
    "must be certificates in PEM",
  );

/** A person's address as an authority takes it. */
export const contact = z.email();

/** A key of an account that exists elsewhere already (RFC 8555, section 7.3.4). */
export const externalAccount = z.strictObject({
  kid: z.string().min(1).describe("The key's id, as the authority has given it."),
  hmacKey: z
    .string()
    .regex(/^[A-Za-z0-9_-]+={0,2}$/, "must be Base64url")
    .describe("The key itself, Base64url, as the authority has given it.")
    .meta({ secret: true }),
});
