import type { Client } from "acme-client";
import { Problem } from "./problem.ts";
import type { Answer, Transport } from "./transport.ts";

/** One account at one authority, as acme-client knows it: it signs, numbers and names what is asked. */
export interface Session {
  readonly client: Client;
  /** What is at a URL of the authority (POST-as-GET; RFC 8555, section 6.3). */
  look(url: string): Promise<Answer>;
}

export interface Opening {
  /** URL and content of the authority's directory. */
  readonly url: string;
  readonly directory: Readonly<Record<string, unknown>>;
  readonly transport: Transport;
  /** One-time values of earlier answers; all sessions of an authority share them. */
  readonly nonces: string[];
  readonly say: (line: string) => void;
}

export interface Credentials {
  /** PEM of the account's private key. */
  readonly key: string;
  readonly uri?: string;
  readonly eab?: { readonly kid: string; readonly hmacKey: string };
}

/** How many times one question may be refused for its one-time value. Pebble can be told to refuse half of them. */
const mostNonces = 10;

/**
 * What acme-client 5.4.0 does not declare. Its questions go through axios, whose roots, user agent and retries are one set for
 * the whole process, which cannot be cancelled, and whose errors keep the authority's text alone. So one object's way out is
 * put in place of that, and nothing of axios is used; test/infra/provider/acme/authority.test.ts fails when another version
 * has other seams.
 */
interface Seams {
  readonly http: {
    request(url: string, method: string, options?: { data?: object }): Promise<Answer>;
    getDirectory(): Promise<object>;
    getNonce(): Promise<string>;
    signedRequest(url: string, payload: unknown, options?: object, attempts?: number): Promise<Answer>;
    maxBadNonceRetries: number;
  };
  readonly api: { apiRequest(url: string, payload: null, statuses: number[]): Promise<Answer> };
}

export async function openSession(opening: Opening, { key, uri, eab }: Credentials): Promise<Session> {
  // A third of a second to load, which only those wait for who ask an authority.
  const { Client } = await import("acme-client");
  const client = new Client({
    directoryUrl: opening.url,
    accountKey: key,
    ...(uri !== undefined && { accountUrl: uri }),
    ...(eab !== undefined && { externalAccountBinding: eab }),
  });
  const { http, api } = client as unknown as Seams;
  replaceWayOut(http, opening);
  return { client, look: (url) => api.apiRequest(url, null, [200]) };
}

/** What was answered to a question that had to come before another one. */
class Instead extends Error {
  readonly answer: Answer;

  /** @param url Of that question, which is no part of what was asked for, and is told. */
  constructor(url: string, { status, headers, data }: Answer) {
    super(`${url} answers ${status}`);
    this.answer = { status, headers, data: data === "" ? url : data };
  }
}

function replaceWayOut(http: Seams["http"], { directory, transport, nonces, say }: Opening): void {
  const signed = http.signedRequest.bind(http);
  const freshNonce = http.getNonce.bind(http);
  http.maxBadNonceRetries = mostNonces;
  http.request = async (url, method, options) => {
    const answer = await transport.once(method as Parameters<Transport["once"]>[0], url, options?.data);
    // Of what is signed it must see the refusals itself: one for the one-time value it answers with another.
    if (method !== "post" && answer.status >= 400) throw new Instead(url, answer);
    return answer;
  };
  http.getDirectory = async () => directory;
  // Each answer brings the value for the next question (RFC 8555, section 6.5), which acme-client asks for anew.
  http.getNonce = async () => nonces.pop() ?? (await freshNonce());
  const asking = async (...[url, payload, options]: Parameters<typeof signed>): Promise<Answer> => {
    try {
      const answer = await signed(url, payload, options);
      const nonce = answer.headers["replay-nonce"];
      if (nonce !== undefined) nonces.push(nonce);
      return answer;
    } catch (error) {
      if (error instanceof Instead) return error.answer;
      throw error;
    }
  };
  http.signedRequest = async (url, payload, options, attempts = 0) => {
    if (attempts > 0) {
      say(`${new URL(url).host} refused a one-time value; try ${attempts + 1} of ${mostNonces + 1}`);
      return signed(url, payload, options, attempts);
    }
    const answer = await transport.patiently(url, () => asking(url, payload, options));
    if (answer.status >= 400) throw Problem.of(answer);
    return answer;
  };
}
