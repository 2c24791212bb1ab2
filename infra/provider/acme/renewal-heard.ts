import type { RenewalInfo } from "./renewal.ts";

const heard = new Map<string, RenewalInfo>();

/**
 * What an authority says of a certificate's renewal, not asked again in this process before the time that it has named (RFC 9773, section
 * 4.3.2): a run looks at a certificate several times. That it says nothing is not remembered.
 *
 * @param certificate What tells it apart, its authority's address included.
 */
export async function hear(
  certificate: string,
  now: Date,
  ask: () => Promise<RenewalInfo | undefined>,
): Promise<RenewalInfo | undefined> {
  const before = heard.get(certificate);
  if (before !== undefined && before.retryAfter > now) return before;
  const info = await ask();
  if (info !== undefined) heard.set(certificate, info);
  return info;
}
