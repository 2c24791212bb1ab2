import { Agent, type RequestOptions, request } from "node:https";
import { Failure, reason } from "../failure.ts";
import { type Patience, pause, retryAfter } from "./patience.ts";

/** What a certificate authority answered; of any status. */
export interface Answer {
  readonly status: number;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Read from JSON where it is said to be that, else the text. */
  readonly data: unknown;
}

/** HTTPS of one authority. */
export interface Transport {
  /** Asks a question once. @throws Unanswered */
  once(method: "get" | "head" | "post", url: string, body?: object): Promise<Answer>;
  /**
   * Asks until there is an answer that asking again would not change. What is signed is good for one time (RFC 8555, section 6.5), so
   * that each try is to be made anew.
   *
   * @param url Of what is asked; its host is told while somebody waits.
   * @throws Unanswered when there was no answer to the last try
   */
  patiently(url: string, ask: () => Promise<Answer>): Promise<Answer>;
}

/** No answer came, or none that can be believed. */
export class Unanswered extends Failure {
  override readonly name = "Unanswered";
}

export interface Manner {
  /** PEM of the only roots to trust for the authority's own HTTPS. */
  readonly roots?: string | undefined;
  readonly signal: AbortSignal;
  /** Told, in one line, what goes on while somebody waits. */
  readonly say: (line: string) => void;
  readonly userAgent: string;
  readonly patience: Patience;
}

/**
 * HTTPS of one authority: its own roots and connections, so that nothing of it is in what another one's questions go through.
 * Goes through a proxy where the environment (HTTPS_PROXY, NO_PROXY) names one.
 */
export function transport({ roots, signal, say, userAgent, patience }: Manner): Transport {
  const agent = new Agent({ keepAlive: true, proxyEnv: process.env, ...(roots !== undefined && { ca: roots }) });
  const always = { "user-agent": userAgent, "accept-language": "en" };
  const ask = (...[method, url, body]: Parameters<Transport["once"]>) => {
    const headers = body === undefined ? always : { ...always, "content-type": "application/jose+json" };
    return exchange(url, { method: method.toUpperCase(), agent, headers, signal }, body, patience.answer);
  };
  return {
    async once(...question) {
      signal.throwIfAborted();
      try {
        return await ask(...question);
      } catch (error) {
        const clock = await clockHere(question[1], error, signal);
        signal.throwIfAborted();
        throw unanswered(question[1], error, clock);
      }
    },
    async patiently(url, asking) {
      for (let failed = 1; ; failed += 1) {
        const outcome = await asking().catch((error: unknown) => {
          if (error instanceof Unanswered) return error;
          throw error;
        });
        signal.throwIfAborted();
        const wait = pauseAfter(outcome, failed, patience);
        if (wait === undefined) {
          if (outcome instanceof Unanswered) throw outcome;
          return outcome;
        }
        const why = outcome instanceof Unanswered ? outcome.explanation.why : `it answers ${outcome.status}`;
        say(`${new URL(url).host}: ${why}; asked again in ${Math.ceil(wait / 1000)} s`);
        await pause(wait, signal);
      }
    },
  };
}

/** How long until it is asked again; `undefined` where that is of no use. */
function pauseAfter(outcome: Answer | Unanswered, failed: number, patience: Patience): number | undefined {
  if (failed >= patience.tries) return undefined;
  const backoff = Math.min(patience.pause * 2 ** (failed - 1), patience.longestPause);
  if (outcome instanceof Unanswered) return isDistrust(outcome.cause) ? undefined : backoff;
  const now = new Date();
  const asked = retryAfter(outcome.headers["retry-after"], now);
  const wait = asked === undefined ? undefined : Math.max(0, asked.getTime() - now.getTime());
  if (wait !== undefined && wait > patience.longestPause) return undefined;
  // A limit that does not say for how long it holds is not tried again: it may count the tries.
  if (outcome.status === 429) return wait;
  return outcome.status >= 500 ? (wait ?? backoff) : undefined;
}

async function exchange(url: string, options: RequestOptions, body: object | undefined, time: number): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const timer = setTimeout(() => asked.destroy(new Error(`no answer within ${time / 1000} s`)), time);
  const asked = request(url, options, (response) => {
    const pieces: Buffer[] = [];
    response.on("data", (piece: Buffer) => pieces.push(piece));
    response.on("error", (cause) => reject(new Error("the answer was cut off", { cause })));
    response.on("end", () => {
      const headers = Object.fromEntries(
        Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
      );
      const data = read(headers["content-type"], Buffer.concat(pieces).toString());
      resolve({ status: response.statusCode ?? 0, headers, data });
    });
  });
  asked.on("error", reject);
  asked.end(body === undefined ? undefined : JSON.stringify(body));
  return promise.finally(() => clearTimeout(timer));
}

function read(type: string | undefined, text: string): unknown {
  if (!/\bjson\b/.test(type ?? "")) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * How the clock here differs from the other side's, where a certificate was refused for its dates. That one's word is asked for without trust,
 * and only told.
 */
async function clockHere(url: string, error: unknown, signal: AbortSignal): Promise<string | undefined> {
  if (!/^CERT_(NOT_YET_VALID|HAS_EXPIRED)$/.test(errorCode(error))) return undefined;
  const agent = new Agent({ proxyEnv: process.env, rejectUnauthorized: false });
  const answer = await exchange(url, { method: "GET", agent, signal }, undefined, 5000).catch(() => undefined);
  const seconds = Math.round((Date.now() - Date.parse(answer?.headers.date ?? "")) / 1000);
  if (!(Math.abs(seconds) > 60)) return undefined;
  return `${Math.abs(seconds)} s ${seconds < 0 ? "behind" : "ahead of"} that of ${new URL(url).host}`;
}

/** @param clock How the clock here differs, where that may be why. */
function unanswered(url: string, error: unknown, clock: string | undefined): Unanswered {
  const why = `${url}: ${reason(error) || errorCode(error)}`;
  const what = `could not ask the certificate authority ${new URL(url).host}`;
  const distrust =
    clock === undefined
      ? "Its own HTTPS certificate is not trusted: give the roots that it leads to, or look at who answers in its place, and at the clock here."
      : `Its own HTTPS certificate is not trusted, and the clock here is ${clock}: set the clock that is wrong, then run the update again.`;
  const remedy = isDistrust(error)
    ? distrust
    : "It must be reachable from here by HTTPS (port 443): look at its status page, the name's addresses and the way out.";
  return new Unanswered({ what, why, remedy }, { cause: error });
}

/** OpenSSL's codes for chains that do not hold, and Node's for another name. */
function isDistrust(error: unknown): boolean {
  return /CERT|SIGNATURE|HOSTNAME|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH/.test(errorCode(error));
}

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
