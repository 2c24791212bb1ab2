import { Failure } from "../failure.ts";
import { Cancelled } from "../host/errors.ts";
import { pause } from "./pause.ts";
import type { CloudflareSettings } from "./zone.ts";

/** What every answer of the API has around its result (developers.cloudflare.com/api). */
interface Envelope {
  readonly success?: boolean;
  readonly errors?: readonly { readonly code: number; readonly message: string }[];
  readonly result?: unknown;
  readonly result_info?: { readonly total_pages?: number };
}

/** One call. */
export interface Call {
  readonly method: "GET" | "POST" | "DELETE";
  /** Below the API's address, with the query: `/zones?name=x.dk`. */
  readonly path: string;
  readonly body?: object;
  /** What it is for, for messages: `find the zone`. */
  readonly purpose: string;
  /** The token's permission without which it is refused. */
  readonly permission: "Zone.Zone Read" | "Zone.DNS Edit";
  /** Codes of errors that say that it is as it should be. */
  readonly harmless?: readonly number[];
}

/** How often a call is made that the API does not take now. */
const tries = 5;

/** Seconds that one attempt may take, and the longest that the API may ask us to wait. */
const longest = { attempt: 30, wait: 120 };

/** How the API is called. */
export interface ApiOptions {
  /** For messages. */
  readonly title: string;
  readonly signal?: AbortSignal | undefined;
  /**
   * Seconds before the second attempt where the API does not say; each further pause is twice as long.
   * @default 1
   */
  readonly firstPause?: number;
}

/**
 * Cloudflare's API by `fetch`, for four calls. Its official client for npm weighs 120 MB, so none is used. The token is in no
 * message: not even what `fetch` says of a request is shown.
 */
export class CloudflareApi {
  readonly #base: string;
  readonly #token: string;
  readonly #options: ApiOptions;

  constructor({ token, api = "https://api.cloudflare.com/client/v4" }: CloudflareSettings, options: ApiOptions) {
    this.#base = api.replace(/\/$/, "");
    this.#token = token;
    this.#options = options;
  }

  /** All results of a list, page after page. */
  async list<Item>(call: Omit<Call, "method" | "body">): Promise<Item[]> {
    const found: Item[] = [];
    for (let page = 1; ; page++) {
      const path = `${call.path}&per_page=50&page=${page}`;
      const { result, result_info } = await this.call({ ...call, method: "GET", path });
      found.push(...((result as Item[] | null | undefined) ?? []));
      if (page >= (result_info?.total_pages ?? 1)) return found;
    }
  }

  /** @throws Failure with Cloudflare's own code and message */
  async call(call: Call): Promise<Envelope> {
    const { title, signal, firstPause = 1 } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const { status, envelope, why, retryAfter } = await this.#attempt(call);
      if (status !== undefined && status < 400 && envelope?.success !== false) return envelope ?? {};
      if (envelope?.errors?.some(({ code }) => call.harmless?.includes(code))) return envelope;
      const later = status === undefined || status === 429 || status >= 500;
      const seconds = retryAfter ?? firstPause * 2 ** (attempt - 1);
      if (!later || attempt === tries || seconds > longest.wait) throw this.#failure(call, status, why, attempt);
      await pause(seconds, title, signal);
    }
  }

  async #attempt({ method, path, body }: Call) {
    const { title, signal } = this.#options;
    const timeout = AbortSignal.timeout(longest.attempt * 1000);
    try {
      const response = await fetch(`${this.#base}${path}`, {
        method,
        headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
        redirect: "error",
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const envelope = parsed(text);
      const why = `${saidBy(envelope)} (HTTP ${response.status})`.trimStart();
      return { status: response.status, envelope, why, retryAfter: secondsOf(response.headers.get("retry-after")) };
    } catch (error) {
      if (signal?.aborted) throw new Cancelled(title);
      return { why: timeout.aborted ? `no answer for ${longest.attempt} s` : `no connection${codeOf(error)}` };
    }
  }

  #failure({ purpose, permission }: Call, status: number | undefined, why: string, attempts: number): Failure {
    const often = attempts > 1 ? `, ${attempts} times` : "";
    const remedies: Readonly<Record<number, string>> = {
      401: "The token is not valid, or no more: make a new one, and set it as `token`.",
      403: `Give the API token the permission ${permission} on this zone (it needs Zone.Zone Read and Zone.DNS Edit, and no other).`,
      429: "Too many calls were made with this account: run the update again in five minutes.",
    };
    const remedy = status === undefined ? `Is ${new URL(this.#base).host} within reach from here?` : remedies[status];
    return new Failure({
      what: `could not ${purpose} at ${this.#options.title}`,
      why: `${why.replaceAll(this.#token, "[secret]")}${often}`,
      ...(remedy !== undefined && { remedy }),
    });
  }
}

function parsed(text: string): Envelope | undefined {
  try {
    return JSON.parse(text) as Envelope;
  } catch {
    // A page of something between here and the API.
    return undefined;
  }
}

function saidBy(envelope: Envelope | undefined): string {
  return (envelope?.errors ?? []).map(({ code, message }) => `${code}: ${message}`).join("; ");
}

/** Seconds of `Retry-After`: a number, or a date (RFC 9110, section 10.2.3). */
function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

/** The system's word for what went wrong: of the rest of it, nothing is known. */
function codeOf(error: unknown): string {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  return typeof code === "string" ? ` (${code})` : "";
}
