import { domainToASCII, domainToUnicode } from "node:url";
import { z } from "zod";
import { isWithin, longestName } from "../provider/dns/names.ts";
import type { Environment } from "../settings.ts";

const label = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/** Whether a text is a host name in lower case: labels of at most 63 characters (RFC 1123, section 2.1), at most 253 in all. */
export function isHostName(text: string): boolean {
  return text.length <= longestName && text.split(".").every((part) => label.test(part));
}

/**
 * A domain with at least two labels, in lower case, without a closing dot. One with letters such as æ, ø and å becomes what DNS
 * knows: its A-labels (RFC 5890, section 2.3.2.1; UTS 46).
 */
export const domainName = z
  .string()
  .overwrite((text) => (/^[\x20-\x7e]*$/.test(text) ? text : domainToASCII(text)))
  .refine(
    (text) => isHostName(text) && text.includes(".") && !isAddressLike(text) && domainToASCII(text) === text,
    'must be a domain in lower case, such as "kommune.dk"',
  );

/** Tops of names that stand in no public DNS (RFC 6761, RFC 6762, RFC 8375), or that many use inside as if they did not. */
const insideOnly = [
  "local",
  "localhost",
  "internal",
  "invalid",
  "home.arpa",
  "onion",
  "lan",
  "corp",
  "home",
  "intranet",
];

/** A domain that the world can see, as a certificate authority must (DNS-2). `test` is let through: laboratories have it. */
export const publicDomain = domainName.refine(
  (text) => !insideOnly.some((top) => isWithin(text, top)),
  "must be a domain of the public DNS: no certificate authority looks at names that are known inside alone (DNS-2)",
);

/** A name as people read it: with letters such as æ, ø and å where DNS has A-labels. */
export function readableName(name: string): string {
  return domainToUnicode(name) || name;
}

/**
 * The whole name of a server. At most 206 characters (DNS-10): `_acme-challenge.` stands before it and the vendor's
 * suffix behind it, and 253 is the limit of DNS.
 */
export const fullHostName = publicDomain.refine(
  (text) => text.length <= 206,
  "must have at most 206 characters, or its challenge record does not fit into DNS (DNS-10)",
);

/** An IPv4 address, or something that can only be a mistyped one: a name whose last label is a number (RFC 3696, section 2). */
function isAddressLike(text: string): boolean {
  return /(^|\.)\d+$/.test(text);
}

/** A name or an address of a host. */
export function isHost(text: string, isAddress: (text: string) => boolean): boolean {
  return isAddress(text) || (isHostName(text) && !isAddressLike(text));
}

/** Names of the servers below the customer's domain (Q-SRV-14). */
const defaultName: Readonly<Record<Environment, string>> = {
  development: "os2mo-udvikling",
  test: "os2mo-test",
  production: "os2mo",
};

/** The whole name of a server that was given none. */
export function defaultServerName(environment: Environment, domain: string): string {
  return `${defaultName[environment]}.${domain}`;
}
