import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { Failure, reason } from "../failure.ts";
import { type Element, elements, INTEGER, inside, NotDer, OBJECT_IDENTIFIER, OCTET_STRING } from "./der.ts";

/** What a certificate says. */
export interface Certificate {
  /** DNS names that it is for, in lower case, sorted. The common name does not count (RFC 9525, section 2). */
  readonly names: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Hexadecimal, in lower case. */
  readonly serial: string;
  /** `ECDSA P-256`, `RSA 2048`. */
  readonly key: string;
  /** PEM of the public key (SPKI). */
  readonly publicKey: string;
  /** `C=US, O=Let's Encrypt, CN=E7`. */
  readonly issuer: string;
  /** By which the authority tells when to renew it (RFC 9773, section 4.1); `undefined` where it names no issuer's key. */
  readonly renewalId: string | undefined;
  /** Whether a server may show it. */
  readonly forServers: boolean;
}

/**
 * Reads the first certificate of a PEM text. Pure.
 *
 * @throws Failure when there is none
 */
export function readCertificate(pem: string): Certificate {
  const [certificate] = certificatesOf(pem);
  if (certificate === undefined) {
    throw new Failure({ what: "could not read a certificate", why: "there is no certificate in the text" });
  }
  return factsOf(certificate);
}

/** The same for one that Node has read. */
export function factsOf(certificate: X509Certificate): Certificate {
  const fields = fieldsOf(certificate.raw);
  return {
    names: dnsNames(fields),
    notBefore: new Date(certificate.validFrom),
    notAfter: new Date(certificate.validTo),
    serial: certificate.serialNumber.toLowerCase(),
    key: keyType(certificate.publicKey),
    publicKey: pemOf(certificate.publicKey),
    // Node has none for an empty name, whatever its types say.
    issuer: ((certificate.issuer as string | undefined) ?? "").split("\n").join(", "),
    renewalId: renewalId(fields),
    forServers: isForServers(certificate),
  };
}

/** The certificates of a PEM text, in its order; other PEM blocks are passed over. */
export function certificatesOf(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      const why = `certificate ${index + 1} of ${blocks.length} cannot be read: ${reason(cause)}`;
      throw new Failure({ what: "could not read a certificate", why }, { cause });
    }
  });
}

/** Id-kp-serverAuth (RFC 5280, section 4.2.1.12). Without the extension, a certificate is for anything. */
export function isForServers({ keyUsage }: X509Certificate): boolean {
  // Node calls the extended key usage so.
  return (keyUsage as string[] | undefined)?.includes("1.3.6.1.5.5.7.3.1") ?? true;
}

/** PEM of the public key in a certificate request (RFC 2986). */
export function publicKeyOfRequest(csr: string): string {
  const what = "could not read the certificate request";
  const body = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([^-]*)-----END/.exec(csr)?.[1];
  if (body === undefined) throw new Failure({ what, why: "there is no certificate request in the text" });
  try {
    const [info] = inside(Buffer.from(body, "base64"));
    const [, , key] = elements(info?.content ?? Buffer.alloc(0));
    if (key === undefined) throw new NotDer("has no key");
    return pemOf(createPublicKey({ key: key.whole, format: "der", type: "spki" }));
  } catch (cause) {
    throw new Failure({ what, why: `it ${reason(cause)}` }, { cause });
  }
}

/** Whether two PEM texts have one public key; private keys count by their public half. */
export function sameKey(one: string, other: string): boolean {
  return createPublicKey(one).equals(createPublicKey(other));
}

const curves: Readonly<Record<string, string>> = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" };

function keyType({ asymmetricKeyType: type, asymmetricKeyDetails: details = {} }: KeyObject): string {
  if (type === "rsa") return `RSA ${details.modulusLength}`;
  if (type === "ec") return `ECDSA ${curves[details.namedCurve ?? ""] ?? details.namedCurve}`;
  return type === "ed25519" ? "Ed25519" : (type ?? "unknown");
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "spki", format: "pem" }).toString();
}

interface Fields {
  /** Content of the serial number's INTEGER. */
  readonly serial: Buffer;
  /** Value of an extension, by the content of its OBJECT IDENTIFIER in hexadecimal. */
  readonly extensions: ReadonlyMap<string, Buffer>;
}

/** Id-ce-subjectAltName and id-ce-authorityKeyIdentifier (RFC 5280, section 4.2.1). */
const SUBJECT_ALT_NAME = "551d11";
const AUTHORITY_KEY_IDENTIFIER = "551d23";
/** `[2]` of GeneralName and `[0]` of AuthorityKeyIdentifier, both implicit. */
const DNS_NAME = 0x82;
const KEY_IDENTIFIER = 0x80;
/** `[3]` of TBSCertificate, explicit. */
const EXTENSIONS = 0xa3;

function fieldsOf(der: Buffer): Fields {
  const [body] = inside(der);
  const fields = elements(body?.content ?? Buffer.alloc(0));
  const extensions = fields.find(({ tag }) => tag === EXTENSIONS);
  return {
    serial: fields.find(({ tag }) => tag === INTEGER)?.content ?? Buffer.alloc(0),
    extensions: new Map(extensions === undefined ? [] : inside(extensions.content).flatMap(extension)),
  };
}

function extension({ content }: Element): [string, Buffer][] {
  const parts = elements(content);
  const id = parts.find(({ tag }) => tag === OBJECT_IDENTIFIER);
  const value = parts.find(({ tag }) => tag === OCTET_STRING);
  return id === undefined || value === undefined ? [] : [[id.content.toString("hex"), value.content]];
}

function dnsNames({ extensions }: Fields): string[] {
  const value = extensions.get(SUBJECT_ALT_NAME);
  const names = (value === undefined ? [] : inside(value)).filter(({ tag }) => tag === DNS_NAME);
  return [...new Set(names.map(({ content }) => content.toString("latin1").toLowerCase()))].sort();
}

/** The serial number keeps the zero byte that DER puts before a high first bit (RFC 9773, section 4.1). */
function renewalId({ serial, extensions }: Fields): string | undefined {
  const value = extensions.get(AUTHORITY_KEY_IDENTIFIER);
  const id = (value === undefined ? [] : inside(value)).find(({ tag }) => tag === KEY_IDENTIFIER);
  return id === undefined ? undefined : `${id.content.toString("base64url")}.${serial.toString("base64url")}`;
}
