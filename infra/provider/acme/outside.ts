import type { X509Certificate } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, rootCertificates, type TLSSocket } from "node:tls";
import { reason } from "../failure.ts";
import { certificatesOf } from "./certificate.ts";

/** Where a certificate is looked for, as a visitor would. */
export interface Place {
  /** DNS name or IP address. */
  readonly address: string;
  readonly port: number;
  /** The server's name, which a visitor asks for (SNI; RFC 6066, section 3). */
  readonly name: string;
}

/** Chains in PEM, the server's own certificate first. */
export interface Chains {
  /** The one that is to be seen. */
  readonly wanted: string;
  /** The one that was shown before it. */
  readonly old: string;
}

/** What is seen from outside. */
export type Sight =
  | { readonly seen: "wanted" }
  /** No handshake came about. */
  | {
      readonly seen: "nothing";
      /** Whether anybody took the connection at all. */
      readonly answered: boolean;
      readonly why: string;
    }
  | {
      readonly seen: "another";
      /** Whether it is the one that was shown before. */
      readonly old: boolean;
      readonly certificate: X509Certificate;
      /**
       * Why a visitor would not believe it, as OpenSSL or Node calls it (`CERT_HAS_EXPIRED`); `undefined` where it is good for the name: for
       * it and in time, of a public authority or of one that gave one of the chains. One that a proxy has made up on the way is not.
       */
      readonly flaw: string | undefined;
    };

export interface OutsidePatience {
  /** Seconds within which a try may begin, for a web server that has just been reloaded. */
  readonly seconds: number;
  /** Milliseconds between two tries. */
  readonly pause: number;
}

/** Milliseconds until one try is given up. */
const longest = 5000;

/** Shakes hands until the wanted certificate is seen, or the time is up; what was seen last. Rejects only when told to stop. */
export async function lookFromOutside(
  place: Place,
  chains: Chains,
  { seconds, pause }: OutsidePatience,
  signal: AbortSignal,
): Promise<Sight> {
  const [wanted, old] = [chains.wanted, chains.old].map((chain) => certificatesOf(chain));
  // Not the roots of this machine's own store: whoever reads along on the way may have put one there.
  const ca = [...rootCertificates, ...[wanted, old].flatMap((chain) => (chain ?? []).slice(1).map(String))];
  for (const end = performance.now() + seconds * 1000; ; ) {
    // The last try is given its time, too: that it was cut short must not stand for what it would have seen.
    const sight = await shake(place, ca, Math.min(longest, seconds * 1000), signal).then(
      ({ certificate, flaw }): Sight => {
        const { fingerprint256 } = certificate;
        if (fingerprint256 === wanted?.[0]?.fingerprint256) return { seen: "wanted" };
        return { seen: "another", old: fingerprint256 === old?.[0]?.fingerprint256, certificate, flaw };
      },
      nothing,
    );
    signal.throwIfAborted();
    if (sight.seen === "wanted" || performance.now() + pause > end) return sight;
    await sleep(pause, undefined, { signal });
  }
}

/** That there was no handshake. */
class NoHandshake extends Error {
  readonly answered: boolean;

  constructor(answered: boolean, cause: unknown) {
    // Node's own error where a name has several addresses has no words.
    super(reason(cause) || (cause as { code?: string }).code || "no answer", { cause });
    this.answered = answered;
  }
}

function nothing(error: unknown): Sight {
  return { seen: "nothing", answered: error instanceof NoHandshake && error.answered, why: reason(error) };
}

async function shake(
  { address, port, name }: Place,
  ca: string[],
  time: number,
  signal: AbortSignal,
): Promise<{ certificate: X509Certificate; flaw: string | undefined }> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  let answered = false;
  const options = { host: address, port, servername: name, ca, allowPartialTrustChain: true };
  const socket = connect({ ...options, rejectUnauthorized: false }, () => resolve(socket));
  const fail = (cause: unknown) => reject(new NoHandshake(answered, cause));
  const timer = setTimeout(() => fail(new Error(`no answer within ${Math.ceil(time / 1000)} s`)), time);
  const stop = () => fail(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  socket.once("connect", () => {
    answered = true;
  });
  // Also after it is destroyed: an error that nobody listens to would end the process.
  socket.on("error", fail);
  socket.once("close", () => fail(new Error("the connection was closed")));
  try {
    await promise;
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) throw new NoHandshake(true, new Error("it showed no certificate"));
    return { certificate, flaw: socket.authorized ? undefined : String(socket.authorizationError) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    socket.destroy();
  }
}
