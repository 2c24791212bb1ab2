import { z } from "zod";
import { accountName } from "../provider/fields.ts";
import { host } from "./addresses.ts";
import { publicDomain } from "./names.ts";
import { userKeyLine } from "./ssh-key.ts";

/** Whose servers these are. */
export const customer = z.strictObject({
  name: z.string().trim().min(1).max(200).describe("The customer's name as people write it."),
  domain: publicDomain.describe("The customer's domain; the servers' default names are below it."),
});

/** The one administrator account (ACC-2, Q-SRV-9): SSH keys only, with sudo. */
export const administrator = z.strictObject({
  name: accountName
    .refine((name) => name !== "root", "must not be root: it is an account of its own (ACC-2)")
    .default("os2mo-admin")
    .describe("Name of the one administrator account."),
  keys: z.array(userKeyLine).default([]).describe("Public SSH keys that may log in as it; nothing else may."),
  enabled: z
    .boolean()
    .default(true)
    .describe(
      "Whether the account may be used; `false` takes its keys, password, shell and sudo away, once management is connected (Q-SRV-9), and `true` gives the same keys back. Disabling it needs another login as `server.user`.",
    ),
});

/** The clock and what it shows. */
export const time = z.strictObject({
  servers: z.array(host).min(1).describe("NTP servers that the server can reach through `firewall.egress`."),
  zone: z
    .string()
    .regex(/^[A-Za-z]+(?:[/_+-][A-Za-z0-9]+)*$/, 'must be a name of the tz database, such as "Europe/Copenhagen"')
    .default("Europe/Copenhagen")
    .describe("Time zone, a name of the tz database."),
  adjust: z
    .boolean()
    .default(true)
    .describe("Whether the clock is set; `false` only measures, for containers, whose clock is their machine's."),
});

/** Unattended security updates. */
export const updates = z.strictObject({
  reboot: z.boolean().default(true).describe("Whether the server restarts by itself when an update needs it."),
  rebootAt: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as "04:00"')
    .default("04:00")
    .describe("Time of day of such a restart, in the server's time zone."),
});

/** The system journal, which survives restarts and is bounded. */
export const journal = z.strictObject({
  maxUse: z
    .string()
    .regex(/^[1-9]\d*[KMGT]$/, 'must be a size such as "500M" or "2G"')
    .default("1G")
    .describe("The most disk space that it takes, in K, M, G or T (powers of 1024)."),
  keepDays: z.int().min(1).max(3650).default(90).describe("Days after which entries are deleted, 1 to 3650."),
});
