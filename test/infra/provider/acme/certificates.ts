import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { crypto } from "acme-client";

x509.cryptoProvider.set(webcrypto);

type KeyPair = webcrypto.CryptoKeyPair;

const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const serverAuth = "1.3.6.1.5.5.7.3.1";
export const clientAuth = "1.3.6.1.5.5.7.3.2";
const DAY = 86_400_000;

/** A certificate that may sign others, or a server show. */
export interface Issuer {
  readonly certificate: x509.X509Certificate;
  readonly pem: string;
  readonly keys: KeyPair;
}

export interface Leaf {
  readonly names: readonly string[];
  /** @default made anew */
  readonly publicKey?: x509.PublicKey;
  /** Hexadecimal. @default 01 */
  readonly serial?: string;
  /** @default a day ago */
  readonly notBefore?: Date;
  /** @default in 90 days */
  readonly notAfter?: Date;
  /** Extended key usages; none leaves the extension out. @default [serverAuth] */
  readonly usages?: readonly string[];
  /** @default true */
  readonly keyIdentifier?: boolean;
}

async function newKeys(): Promise<KeyPair> {
  return await webcrypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
}

/** A root, or what another issuer signs. */
export async function issuer(name: string, by?: Issuer, { notAfter = inDays(3650) } = {}): Promise<Issuer> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: "7f",
    subject: `CN=${name}`,
    issuer: by === undefined ? `CN=${name}` : by.certificate.subject,
    notBefore: inDays(-1),
    notAfter,
    signingAlgorithm: ecdsa,
    publicKey: keys.publicKey,
    signingKey: (by ?? { keys }).keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create((by ?? { keys }).keys.publicKey),
    ],
  });
  return { certificate, pem: pemOf(certificate), keys };
}

export async function leaf(by: Issuer, of: Leaf): Promise<Issuer> {
  const keys = await newKeys();
  const { names, serial = "01", notBefore = inDays(-1), notAfter = inDays(89), usages = [serverAuth] } = of;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    issuer: by.certificate.subject,
    notBefore,
    notAfter,
    signingAlgorithm: ecdsa,
    publicKey: of.publicKey ?? keys.publicKey,
    signingKey: by.keys.privateKey,
    extensions: [
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: /^[\d.]+$/.test(value) ? ("ip" as const) : ("dns" as const), value })),
      ),
      ...(usages.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension([...usages])]),
      ...(of.keyIdentifier === false ? [] : [await x509.AuthorityKeyIdentifierExtension.create(by.keys.publicKey)]),
    ],
  });
  return { certificate, pem: pemOf(certificate), keys };
}

/** A certificate request for these names, and its key. */
export async function request(names: readonly string[]): Promise<{ csr: string; publicKey: string }> {
  const keys = await newKeys();
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: ecdsa,
    extensions: [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns" as const, value })))],
  });
  return { csr: `${csr.toString("pem")}\n`, publicKey: await publicPem(keys) };
}

export async function publicPem({ publicKey }: KeyPair): Promise<string> {
  return new x509.PublicKey(await webcrypto.subtle.exportKey("spki", publicKey)).toString("pem");
}

export async function privatePem({ privateKey }: KeyPair): Promise<string> {
  const key = await webcrypto.subtle.exportKey("pkcs8", privateKey);
  return x509.PemConverter.encode(key, "PRIVATE KEY");
}

/** The names and the key that a request in DER asks for. */
export function readRequest(der: Buffer): { names: string[]; publicKey: x509.PublicKey } {
  const csr = new x509.Pkcs10CertificateRequest(new Uint8Array(der));
  return { names: crypto.readCsrDomains(csr.toString("pem")).altNames, publicKey: csr.publicKey };
}

export function inDays(days: number): Date {
  return new Date(Math.floor(Date.now() / 1000) * 1000 + days * DAY);
}

function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}
