/** What an authority says (RFC 9773, section 4.2) that wants a certificate renewed within an hour, so many hours from now. */
export function windowIn(hours: number): {
  readonly suggestedWindow: { readonly start: string; readonly end: string };
} {
  const start = Date.now() + hours * 3_600_000;
  return { suggestedWindow: { start: iso(start), end: iso(start + 3_600_000) } };
}

const iso = (time: number) => new Date(time).toISOString();
