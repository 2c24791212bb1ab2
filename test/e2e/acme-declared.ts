import type { LabNames } from "../../lab/names.ts";
import type { LabAuthority } from "../../lab/pebble.ts";
import type { Declared } from "./project/index.ts";

/** What an account and a certificate are declared for. */
export interface Place {
  readonly names: LabNames;
  readonly authority: LabAuthority;
  /** The server's name. */
  readonly host: string;
}

/**
 * An account and a certificate, as a program declares them, with the vendor's key for challenges.
 *
 * @param certificate More of its arguments, or others.
 * @param key The same of the key.
 * @param secret Key of the configuration that has the TSIG key's secret.
 */
export function accountAndCertificate(
  { names, authority, host }: Place,
  certificate: object = {},
  key: object = {},
  secret = "tsig",
): Declared[] {
  const { server, zone, keys } = names.vendor;
  const { name, algorithm } = keys.challenges;
  const common = { directory: authority.directory, roots: authority.roots };
  const signed = { name, algorithm, secret: { $secret: secret }, ...key };
  return [
    { name: "account", type: "AcmeAccount", args: { ...common, termsAgreed: true } },
    {
      name: "certificate",
      type: "AcmeCertificate",
      args: {
        ...common,
        names: [host],
        zone: { kind: "rfc2136", zone, server, key: signed },
        resolvers: [names.servers.outside.v4],
        ...certificate,
      },
      after: ["account"],
    },
  ];
}
