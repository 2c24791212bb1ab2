import { isWithin } from "../provider/dns/names.ts";
import type { NameSettings } from "../settings.ts";

/** The zone in which a name most likely stands, and its name there: the customer's domain, else what follows the host's first label. */
export function zoneOwner(
  owner: string,
  { customer, server }: Pick<NameSettings, "customer" | "server">,
): { zone: string; name: string } {
  const { hostname } = server;
  const zone = isWithin(hostname, customer.domain) ? customer.domain : hostname.slice(hostname.indexOf(".") + 1);
  return { zone, name: owner.slice(0, -zone.length - 1) };
}
