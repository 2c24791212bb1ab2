import type { Settings } from "../settings.ts";

/** A CNAME record that the customer creates. Names are absolute, in lower case, without the closing dot. */
export interface CustomerRecord {
  readonly owner: string;
  readonly target: string;
  /** `host`: leads users to the server (DNS-4); `challenge`: lets the certificate be issued (DNS-5). */
  readonly purpose: "host" | "challenge";
}

/** What a server's records follow from. */
export type NamedServer = { readonly server: Pick<Settings["server"], "hostname"> } & {
  readonly dns: Pick<Settings["dns"], "suffix">;
};

/** The label in front of a name under which its challenges are answered (RFC 8555, section 8.4). */
export const challengeLabel = "_acme-challenge";

/** Exactly the two records of a server (DNS-3 to DNS-6): the label stands first on both sides. */
export function customerRecords({ server: { hostname }, dns: { suffix } }: NamedServer): CustomerRecord[] {
  const record = (owner: string, purpose: CustomerRecord["purpose"]) => ({
    owner,
    target: `${owner}.${suffix}`,
    purpose,
  });
  return [record(hostname, "host"), record(`${challengeLabel}.${hostname}`, "challenge")];
}
