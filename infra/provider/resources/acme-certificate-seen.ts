import { openAuthority } from "../acme/authority.ts";
import { type Certificate, readCertificate } from "../acme/certificate.ts";
import { chainProblems } from "../acme/chain.ts";
import { type Renewal, renewalOf } from "../acme/renewal.ts";
import { hear } from "../acme/renewal-heard.ts";
import { Failure, reason } from "../failure.ts";
import type { AcmeCertificateSeen, AcmeCertificateWant } from "./acme-certificate.ts";
import {
  fingerprintOf,
  type IssuedNote,
  issuedOf,
  keyTypes,
  type PairLook,
  publicKeyHash,
  userAgent,
} from "./acme-certificate-texts.ts";
import { settledHere } from "./acme-chains.ts";

/** What is known of a pair before it is judged. */
export interface Pair {
  /** The chain's file. */
  readonly chain: string;
  readonly look: PairLook;
  /** The note beside it, as its file has it; absent where there is none. */
  readonly note?: Uint8Array | undefined;
}

/** The pair as a person would tell of it; asks the authority when it wants the certificate renewed. */
export async function judgePair(
  { chain, look, note }: Pair,
  want: Partial<AcmeCertificateWant>,
): Promise<AcmeCertificateSeen> {
  try {
    return await seenOf(chain, look, issuedOf(note, chain), want);
  } catch {
    return unreadable(look);
  }
}

async function seenOf(
  chain: string,
  look: PairLook,
  issued: IssuedNote | undefined,
  want: Partial<AcmeCertificateWant>,
): Promise<AcmeCertificateSeen> {
  const certificate = readCertificate(chain);
  const now = new Date();
  const renewal = await renewalFor(chain, certificate, want, now);
  const fingerprint = fingerprintOf(chain);
  const { names = [...certificate.names] } = want;
  const problems = [
    ...chainProblems(chain, { names, publicKey: certificate.publicKey, now }),
    ...(look.key === publicKeyHash(certificate.publicKey) ? [] : ["the key beside it is not the one that it is for"]),
    ...(look.guarded ? [] : ["its key can be read by others than root"]),
    ...(issued === undefined ? ["it is not the one that was issued here: somebody has put it there"] : []),
  ];
  return {
    names: [...certificate.names],
    keyType: typeOf(certificate.key),
    directory: issued?.directory ?? "",
    profile: issued?.profile ?? "",
    issuer: certificate.issuer,
    serial: certificate.serial,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    renewAt: renewal.at.toISOString(),
    renewal: renewal.why,
    due: renewal.due && !settledHere.has(fingerprint),
    served: shown(look, fingerprint),
    proven: !look.unproven,
    problems,
    certificate: /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\n?/.exec(chain)?.[0] ?? "",
  };
}

/** Whether the web server shows the pair. One that shows what it did before there was any has not been set up for it. */
function shown({ served, before }: PairLook, fingerprint: string): AcmeCertificateSeen["served"] {
  if (served === fingerprint) return "yes";
  return !served || served === before ? "nothing" : "another";
}

/** What is told where there is no certificate to read. */
function none(): AcmeCertificateSeen {
  const epoch = new Date(0).toISOString();
  return {
    names: [],
    keyType: "other",
    directory: "",
    profile: "",
    issuer: "",
    serial: "",
    notBefore: epoch,
    notAfter: epoch,
    renewAt: epoch,
    renewal: "",
    due: false,
    served: "nothing",
    proven: true,
    problems: [],
    certificate: "",
  };
}

function unreadable({ served, unproven }: PairLook): AcmeCertificateSeen {
  const problems = ["what stands in its file is no certificate"];
  return { ...none(), due: true, served: served ? "another" : "nothing", proven: !unproven, problems };
}

/** Whether it is a first certificate that a run before has not got: there is nothing to warn of, or to take back. */
export function neverCame({ certificate, directory }: AcmeCertificateSeen): boolean {
  return certificate === "" && directory !== "";
}

/** What is told of such a one. */
export function unfinished({ directory = "" }: Partial<AcmeCertificateWant>): AcmeCertificateSeen {
  return { ...none(), directory, problems: ["there is a key, and no certificate yet"] };
}

/** What the authority says, in a moment's time; where it cannot be heard, the certificate's own life tells. */
async function renewalFor(
  chain: string,
  certificate: Certificate,
  { directory, roots, nextRun }: Partial<AcmeCertificateWant>,
  now: Date,
): Promise<Renewal> {
  const seed = certificate.serial;
  const matter = { now, seed, ...(nextRun === undefined ? {} : { nextRunSeconds: nextRun }) };
  if (directory === undefined) return renewalOf(certificate, matter);
  let unheard: string | undefined;
  try {
    const conversation = {
      signal: AbortSignal.timeout(20_000),
      say: (line: string) => {
        unheard = line;
      },
      userAgent,
      patience: { tries: 2, answer: 8000 },
    };
    const info = await hear(`${directory} ${certificate.renewalId}`, now, async () => {
      const authority = await openAuthority({ directory, roots }, conversation);
      return authority.renewalInfo(chain);
    });
    return renewalOf(certificate, { ...matter, info, unheard });
  } catch (error) {
    return renewalOf(certificate, {
      ...matter,
      unheard: error instanceof Failure ? error.explanation.why : reason(error),
    });
  }
}

/** `ECDSA P-256` is `ecdsa-p256`, `RSA 2048` is `rsa-2048`. */
function typeOf(key: string): string {
  const type = key.toLowerCase().replace("p-", "p").replace(" ", "-");
  return type in keyTypes ? type : "other";
}
