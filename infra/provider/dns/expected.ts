/** A CNAME record that the customer must create for a server (DNS-4, DNS-5). Names in lower case, without the closing dot. */
export interface Expected {
  /** Where it stands: `os2mo.kommune.dk`, or `_acme-challenge.os2mo.kommune.dk`. */
  readonly owner: string;
  /** What it points to: the owner, and the vendor's suffix after it (DNS-6). */
  readonly target: string;
  /** `host`: users come by it. `challenge`: only the certificate authority asks for it. */
  readonly purpose: "host" | "challenge";
}

/** The first label of a challenge record, with its dot (RFC 8555, section 8.4). */
export const challengeLabel = "_acme-challenge.";

/** What the vendor's names end with, as a target tells it: what follows the owner in it, else all but its first label. */
export function suffixOf({ owner, target }: Expected): string {
  return target.slice(target.startsWith(`${owner}.`) ? owner.length + 1 : target.indexOf(".") + 1);
}
