import { createPublicKey, type X509Certificate } from "node:crypto";
import { reason } from "../failure.ts";
import { certificatesOf, factsOf } from "./certificate.ts";

/** What a chain must be for a server to show it. */
export interface Expected {
  /** All names that it must cover. */
  readonly names: readonly string[];
  /** PEM of the server's public key. */
  readonly publicKey: string;
  readonly now: Date;
  /** PEM of the roots that visitors trust; without them, that the last certificate leads to a root is not looked at. */
  readonly roots?: string;
}

/** What is wrong with a certificate and its chain, in plain words, all of it at once. Pure. Empty when nothing is. */
export function chainProblems(chain: string, expected: Expected): string[] {
  try {
    const certificates = certificatesOf(chain);
    const [leaf] = certificates;
    if (leaf === undefined) return ["there is no certificate in it"];
    return [
      ...(/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(chain) ? ["it has a private key in it"] : []),
      ...leafProblems(leaf, expected),
      ...dateProblems(certificates, expected.now),
      ...linkProblems(certificates),
      ...endProblems(certificates, expected.roots),
    ];
  } catch (error) {
    return [reason(error)];
  }
}

function leafProblems(leaf: X509Certificate, { names, publicKey }: Expected): string[] {
  const facts = factsOf(leaf);
  const has = facts.names.length === 0 ? "it has no names" : `it has ${facts.names.join(", ")}`;
  const missing = names.filter((name) => !covers(leaf, name));
  return [
    ...(missing.length === 0 ? [] : [`it is not for ${missing.join(", ")}: ${has}`]),
    ...(leaf.publicKey.equals(createPublicKey(publicKey)) ? [] : ["it is for another key than the server's"]),
    ...(facts.forServers ? [] : ["it is not for servers: its extended key usage leaves out server authentication"]),
    ...(leaf.ca ? ["its first certificate is an authority's, not a server's"] : []),
  ];
}

/** A wildcard stands for one label, and only a wildcard covers a wildcard. */
function covers(leaf: X509Certificate, name: string): boolean {
  if (name.startsWith("*.")) return factsOf(leaf).names.includes(name.toLowerCase());
  return leaf.checkHost(name, { subject: "never", partialWildcards: false }) !== undefined;
}

function dateProblems(certificates: readonly X509Certificate[], now: Date): string[] {
  return certificates.flatMap((certificate) => {
    const [start, end] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
    if (now < start) {
      const clock = `and it is ${now.toISOString()} by the clock here, which may be wrong`;
      return [`${label(certificate)} is not valid before ${start.toISOString()}, ${clock}`];
    }
    return now >= end ? [`${label(certificate)} expired at ${end.toISOString()}`] : [];
  });
}

/** Each certificate is followed by the one that issued it (RFC 8555, section 9.1). */
function linkProblems(certificates: readonly X509Certificate[]): string[] {
  return certificates.slice(0, -1).flatMap((certificate, index) => {
    const next = certificates[index + 1];
    if (next === undefined || issued(next, certificate)) return [];
    const issuer = certificates.find((other) => other !== certificate && issued(other, certificate));
    return [
      issuer === undefined
        ? `${label(certificate)} is followed by ${label(next)}, which did not issue it`
        : `the order is wrong: ${label(certificate)} must be followed by ${label(issuer)}, which issued it`,
    ];
  });
}

function endProblems(certificates: readonly X509Certificate[], roots: string | undefined): string[] {
  const [leaf, last] = [certificates[0], certificates.at(-1)];
  if (leaf === undefined || last === undefined) return [];
  if (issued(leaf, leaf)) return [`${label(leaf)} is signed by itself, so no authority vouches for it`];
  if (roots !== undefined) {
    const trusted = certificatesOf(roots);
    const known = trusted.some((root) => root.fingerprint256 === last.fingerprint256 || issued(root, last));
    return known ? [] : [`it does not lead to a trusted root: ${label(last)} was issued by ${issuerOf(last)}`];
  }
  return certificates.length > 1 ? [] : [`the certificate of its issuer is missing: ${issuerOf(leaf)}`];
}

function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function label(certificate: X509Certificate): string {
  const { names } = factsOf(certificate);
  const name = names.find((candidate) => !candidate.startsWith("*.")) ?? names[0];
  return `"${commonName(certificate.subject) ?? name ?? certificate.serialNumber}"`;
}

function issuerOf({ issuer }: X509Certificate): string {
  return `"${commonName(issuer) ?? issuer.split("\n").join(", ")}"`;
}

/** Node writes a distinguished name with one attribute a line; one without any it does not write. */
function commonName(name: string | undefined): string | undefined {
  return /^CN=(.+)$/m.exec(name ?? "")?.[1];
}
