import { z } from "zod";
import { oneAddress, range } from "./addresses.ts";
import { isTree } from "./partly.ts";

const ranges = z.array(range).min(1);

/** Name of the outbound entry that no setting can take: the connection to the vendor (NET-2). */
export const masterEntry = "salt";

const egressName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, "must be a short lower-case word")
  .refine((name) => name !== masterEntry, "is taken by the connection to the vendor (NET-2)");

const whateverElseIsWrong = { when: () => true };

/** Who may talk to whom; everything else is blocked in both directions (NET-1, NET-2, Q-SRV-3 to Q-SRV-8). */
export const firewall = z.strictObject({
  management: z
    .array(range)
    .default([])
    .describe(
      "Ranges or addresses that may use SSH (port 22), beside those of `vpn`: a VPN that is not described there, or the vendor's network.",
    ),
  internal: ranges.describe("The customer's own ranges, which may open OS2mo (ports 80 and 443)."),
  saltMaster: z
    .array(oneAddress)
    .min(1)
    .describe("Addresses of the vendor's deployment host, to which ports 4505 and 4506 are opened; never a range."),
  egress: z
    .record(
      z.string(),
      z.strictObject({
        protocol: z.enum(["tcp", "udp"]).default("tcp").describe("`tcp` or `udp`."),
        ports: z.array(z.int().min(1).max(65535)).min(1).describe("Ports at the destination, 1 to 65535."),
        to: ranges.describe("Ranges or addresses of the destination."),
      }),
    )
    // Not as a check of the key, for then the record would leave the entry below a mistaken one unchecked.
    .superRefine((entries, context) => {
      for (const name of isTree(entries) ? Object.keys(entries) : []) {
        const { error } = egressName.safeParse(name);
        for (const { message } of error?.issues ?? []) {
          context.addIssue({ code: "custom", message: `has a name that ${message}`, path: [name] });
        }
      }
    }, whateverElseIsWrong)
    .prefault({})
    .describe("What else the server may reach, by a name of your choice: name service, time, package sources."),
});

/** The firewall of a stack, every range in CIDR notation. */
export type FirewallSettings = z.output<typeof firewall>;
