import { challengeLabel, type Expected } from "../provider/dns/expected.ts";
import type { Settings } from "../settings.ts";
import { customerAddress } from "./server-address.ts";

/** A CNAME record that the customer creates. */
export type CustomerRecord = Expected;

/** What a server's records follow from. */
export type NamedServer = { readonly server: Pick<Settings["server"], "hostname"> } & {
  readonly dns: Pick<Settings["dns"], "suffix">;
};

/** Exactly the two records of a server (DNS-3 to DNS-6): the label stands first on both sides. */
export function customerRecords({
  server: { hostname },
  dns: { suffix },
}: NamedServer): [host: CustomerRecord, challenge: CustomerRecord] {
  const record = (owner: string, purpose: CustomerRecord["purpose"]) => ({
    owner,
    target: `${owner}.${suffix}`,
    purpose,
  });
  return [record(hostname, "host"), record(`${challengeLabel}${hostname}`, "challenge")];
}

/** A record that the vendor's zone needs. */
export interface VendorRecord {
  readonly owner: string;
  /** `A` and `AAAA` last as long as the server's address; `TXT` stands there for as long as a certificate is asked for. */
  readonly type: "A" | "AAAA" | "TXT";
  /** The address; left out where it is not known, and for what a certificate authority gives. */
  readonly value?: string;
}

/** What the customer's records lead to, in the vendor's zone (Q-SRV-12): the server's address, and the answers to challenges. */
export function vendorRecords(settings: NamedServer & Pick<Settings, "vpn" | "server">): VendorRecord[] {
  const [host, challenge] = customerRecords(settings);
  const address = customerAddress(settings.server, settings.vpn);
  return [
    {
      owner: host.target,
      type: address?.includes(":") ? "AAAA" : "A",
      ...(address === undefined ? {} : { value: address }),
    },
    { owner: challenge.target, type: "TXT" },
  ];
}
