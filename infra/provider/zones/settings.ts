import { isIP } from "node:net";
import { z } from "zod";
import { canBeAsked } from "../dns/names.ts";
import type { ZoneSettings } from "./zone.ts";

/** A name in DNS of two labels or more, in lower case and without the closing dot. */
export const absoluteName = z
  .string()
  .regex(/^[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)+$/, {
    error: "must be an absolute name in lower case",
    abort: true,
  })
  .refine(canBeAsked, "must have at most 253 characters, and 63 in each part");

const zone = absoluteName.describe("The zone, such as `os2mo-on-prem.magentahosted.dk`.");

const key = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, "must be a key's name, without the closing dot")
      .describe("Its name, as the server's configuration has it."),
    algorithm: z.enum(["hmac-sha256", "hmac-sha512"]).describe("Its algorithm, as the server's configuration has it."),
    secret: z
      .string()
      .regex(/^([A-Za-z0-9+/]{4})+([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, "must be Base64")
      .describe("The key itself in Base64, as `tsig-keygen` prints it.")
      .meta({ secret: true }),
  })
  .describe("The key that signs each update (TSIG, RFC 8945).");

const rfc2136 = z
  .strictObject({
    kind: z.literal("rfc2136"),
    zone: zone.describe("The zone, exactly as the server has it."),
    server: z
      .string()
      .refine((text) => isIP(text) !== 0 || absoluteName.safeParse(text).success, "must be a name or an IP address")
      .describe("Name or IP address of its primary name server."),
    port: z.int().min(1).max(65535).optional().describe("The server's port, by TCP and UDP; 53 unless given."),
    key,
  })
  .describe("A name server that takes updates (RFC 2136), such as BIND, Knot DNS or PowerDNS.");

const cloudflare = z
  .strictObject({
    kind: z.literal("cloudflare"),
    zone: zone.describe("The zone, or a name in it."),
    token: z
      .string()
      .regex(/^[A-Za-z0-9_-]+$/, "must be an API token: letters, digits, _ and -")
      .describe("An API token with the permissions Zone.Zone Read and Zone.DNS Edit on this one zone.")
      .meta({ secret: true }),
    api: z
      .string()
      .refine(isSafe, "must be an address of https, or of http on this machine")
      .optional()
      .describe("Where the API is, where it is not Cloudflare's own."),
  })
  .describe("A zone at Cloudflare.");

const manual = z
  .strictObject({ kind: z.literal("manual"), zone: zone.describe("The zone, or a name in it.") })
  .describe("A zone that somebody edits by hand: each run says what must be set, and waits for it.");

/** `ZoneSettings` as a resource or a stack is given them. */
export const zoneSettings: z.ZodType<ZoneSettings> = z
  .discriminatedUnion("kind", [rfc2136, cloudflare, manual])
  .describe("The vendor's zone: who keeps it, and by what right it is written to.") as z.ZodType<ZoneSettings>;

/** A token goes over the network only encrypted. */
function isSafe(text: string): boolean {
  const { protocol, hostname } = URL.parse(text) ?? {};
  return (
    protocol === "https:" || (protocol === "http:" && ["127.0.0.1", "[::1]", "localhost"].includes(hostname ?? ""))
  );
}
