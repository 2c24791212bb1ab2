import { z } from "zod";
import { ipAddress } from "../provider/ranges.ts";
import { fingerprint, minionId } from "../provider/salt-values.ts";
import { type Login, login, withWay } from "./login.ts";

const gate = z
  .strictObject({
    table: z
      .string()
      .regex(/^(ip|ip6|inet) [a-z][a-z0-9_-]{0,31}$/, "must be a family and a table, such as `inet salt_gate`")
      .default("inet salt_gate")
      .describe("Family and name of the nftables table."),
  })
  .describe(
    "The master's firewall for 4505 and 4506, where it has one as docs/salt-master.md shows: the server's external addresses are found out there and let in.",
  );

const repository = z
  .strictObject({
    uri: z.url({ protocol: /^https?$/ }).describe("Address of the apt repository."),
    suite: z
      .string()
      .regex(/^[a-z0-9./-]+$/, "must be one word")
      .describe("Its suite: `stable`, or `./` for a flat one."),
    components: z
      .array(z.string().regex(/^[a-z0-9-]+$/, "must be one word"))
      .default([])
      .describe("Its components: `main`; none for a flat one."),
    key: z
      .string()
      .regex(/^-----BEGIN PGP PUBLIC KEY BLOCK-----/, "must be an armoured OpenPGP public key")
      .describe("The public key that signs it, as text."),
  })
  .describe(
    "Where the server gets Salt's packages; `firewall.egress` must let it there. Left out, from the sources it has.",
  );

const salt = z.strictObject({
  version: z
    .string()
    .regex(/^\d+(\.\d+)*([~+-][A-Za-z0-9.+~-]+)?$/, "must be a version as dpkg writes it, such as 3007.15")
    .describe("Version of the minion, exactly; it is put on hold."),
  repository: repository.optional(),
  master: ipAddress
    .optional()
    .describe("Address of the master, one of `firewall.saltMaster`; by default the first of them."),
  masterFingerprint: fingerprint.describe("SHA-256 fingerprint of the master's key, from `salt-key -F master` there."),
  minionId: minionId.optional().describe("Name by which the master knows the server; by default its host name."),
  keyVersion: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1)
    .describe("Number of the minion's key. Another number makes another key, and needs `replaceKey` once."),
  replaceKey: z
    .boolean()
    .default(false)
    .describe(
      "Whether another key that the master has under this name goes: after the server was installed anew, or got another key. Else it is refused, for it may be an intruder's.",
    ),
  externalAddresses: z
    .array(ipAddress)
    .min(1)
    .optional()
    .describe("The server's addresses as the master sees them (NET-3), where they cannot be found out."),
  login: login
    .optional()
    .describe(
      "How the master itself is logged in to: then the key is accepted there, and the external addresses are let in. Without it the output `managed.left` has what the vendor must be told.",
    ),
  gate: gate.optional(),
});

/** Central management from the vendor's deployment environment (ACC-3, NET-2, NET-3). */
export const management = z
  .strictObject({ salt: salt.optional().describe("A Salt minion, connected to the vendor's master.") })
  .describe("Central management by the vendor (ACC-3).");

type Read = z.output<typeof management>;

/** Central management, complete. */
export interface ManagementSettings {
  salt?: Omit<NonNullable<Read["salt"]>, "login" | "master" | "minionId"> & {
    login?: Login;
    master: string;
    minionId: string;
  };
}

/** Fills in the master's address, the minion's name, and how the master is logged in to. */
export function completeManagement(
  { salt }: Read,
  saltMaster: readonly string[],
  hostname: string,
): ManagementSettings {
  if (salt === undefined) return {};
  const { login: given, ...rest } = salt;
  const complete = {
    ...rest,
    master: salt.master ?? (saltMaster[0] ?? "").replace(/\/\d+$/, ""),
    minionId: salt.minionId ?? hostname,
  };
  return { salt: given === undefined ? complete : { ...complete, login: withWay(given as Login) } };
}
