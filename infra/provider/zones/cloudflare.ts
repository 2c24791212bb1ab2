import { isIPv6 } from "node:net";
import { upwards } from "../dns/names.ts";
import { Failure } from "../failure.ts";
import { shortAddress } from "../ranges.ts";
import { CloudflareApi } from "./cloudflare-api.ts";
import { waitForValue } from "./wait.ts";
import type { CloudflareSettings, VendorZone, ZoneContext } from "./zone.ts";

/** A record as the API has it. */
interface ApiRecord {
  readonly id: string;
  readonly type: string;
  readonly content: string;
  readonly proxied?: boolean;
}

/** Seconds for which others may keep a record; 60 is the least that every plan has. */
const ttl = { challenge: 60, address: 300 };

/** Codes of errors that mean that it was done already, as by an attempt whose answer was lost. */
const done = { there: [81057, 81058], gone: [81044] };

/**
 * A zone at Cloudflare, by four calls of its API: find the zone; list, create and delete its records. The token needs Zone.Zone
 * Read and Zone.DNS Edit on that one zone.
 */
export class CloudflareZone implements VendorZone {
  readonly title: string;
  readonly #zone: string;
  readonly #context: ZoneContext;
  readonly #api: CloudflareApi;
  #id: Promise<string> | undefined;

  constructor(settings: CloudflareSettings, context: ZoneContext, more: { readonly firstPause?: number } = {}) {
    this.title = `Cloudflare (zone ${settings.zone})`;
    this.#zone = settings.zone;
    this.#context = context;
    this.#api = new CloudflareApi(settings, { title: this.title, signal: context.signal, ...more });
  }

  async present(name: string, value: string): Promise<void> {
    if ((await this.values(name)).includes(value)) return;
    await this.#create(name, { type: "TXT", content: quoted(value), ttl: ttl.challenge });
  }

  async wait(name: string, value: string): Promise<void> {
    await waitForValue({ ...this.#context, title: this.title }, name, value);
  }

  async cleanUp(name: string, value: string): Promise<void> {
    const records = await this.#records(name, ["TXT"]);
    for (const record of records.filter(({ content }) => unquoted(content) === value)) await this.#remove(name, record);
  }

  async values(name: string): Promise<readonly string[]> {
    const records = await this.#records(name, ["TXT"]);
    return records.map(({ content }) => unquoted(content)).sort();
  }

  async setAddresses(name: string, addresses: readonly string[]): Promise<void> {
    const there = await this.#records(name, ["A", "AAAA"]);
    const right = there.filter((record) => isPlain(record) && addresses.includes(shortAddress(record.content)));
    const wrong = there.filter((record) => !right.includes(record));
    const missing = addresses.filter((address) => !right.some(({ content }) => shortAddress(content) === address));
    // What stands in the way of a new one goes first; the rest after, so that the name always leads somewhere.
    const inTheWay = wrong.filter(({ content }) => missing.includes(shortAddress(content)));
    for (const record of inTheWay) await this.#remove(name, record);
    for (const content of missing) {
      const type = isIPv6(content) ? "AAAA" : "A";
      await this.#create(name, { type, content, ttl: ttl.address, proxied: false });
    }
    for (const record of wrong.filter((each) => !inTheWay.includes(each))) await this.#remove(name, record);
  }

  async addresses(name: string): Promise<readonly string[]> {
    const records = await this.#records(name, ["A", "AAAA"]);
    return records
      .filter(isPlain)
      .map(({ content }) => shortAddress(content))
      .sort();
  }

  async #records(name: string, types: readonly string[]): Promise<ApiRecord[]> {
    const below = await this.#path();
    const lists = await Promise.all(
      types.map((type) =>
        this.#api.list<ApiRecord>({
          path: `${below}?${new URLSearchParams({ type, name })}`,
          purpose: `list the records of ${name}`,
          permission: "Zone.DNS Edit",
        }),
      ),
    );
    return lists.flat();
  }

  async #create(name: string, record: object): Promise<void> {
    await this.#api.call({
      method: "POST",
      path: await this.#path(),
      body: { name, ...record },
      purpose: `add a record at ${name}`,
      permission: "Zone.DNS Edit",
      harmless: done.there,
    });
  }

  async #remove(name: string, { id }: ApiRecord): Promise<void> {
    await this.#api.call({
      method: "DELETE",
      path: `${await this.#path()}/${id}`,
      purpose: `remove a record at ${name}`,
      permission: "Zone.DNS Edit",
      harmless: done.gone,
    });
  }

  async #path(): Promise<string> {
    this.#id ??= this.#find().catch((error) => {
      this.#id = undefined;
      throw error;
    });
    return `/zones/${await this.#id}/dns_records`;
  }

  /** The zone's id: of the longest name upwards of ours that is a zone which the token may see. */
  async #find(): Promise<string> {
    const names = upwards(this.#zone).filter((name) => name.includes("."));
    for (const name of names) {
      const [found] = await this.#api.list<{ id: string }>({
        path: `/zones?${new URLSearchParams({ name })}`,
        purpose: "find the zone",
        permission: "Zone.Zone Read",
      });
      if (found !== undefined) return found.id;
    }
    throw new Failure({
      what: `could not find the zone at ${this.title}`,
      why: `the token sees no zone named ${names.join(" or ")}`,
      remedy: "Is it in this account? The API token needs the permissions Zone.Zone Read and Zone.DNS Edit on it.",
    });
  }
}

/** Whether DNS has the record as it is: one that Cloudflare stands in front of leads to Cloudflare. */
function isPlain({ proxied }: ApiRecord): boolean {
  return proxied !== true;
}

/** A TXT value as the API wants it: pieces of at most 255 bytes in quotes, with `"` and `\` escaped (RFC 1035, section 5.1). */
export function quoted(value: string): string {
  const pieces = value.match(/.{1,255}/gs) ?? [""];
  return pieces.map((piece) => `"${piece.replace(/["\\]/g, "\\$&")}"`).join(" ");
}

/** A TXT value as the API has it: in quotes, or as somebody wrote it without them. */
export function unquoted(content: string): string {
  if (!content.startsWith('"')) return content;
  const pieces = [...content.matchAll(/"((?:[^"\\]|\\.)*)"/gs)].map(([, piece = ""]) => piece);
  return pieces.map((piece) => piece.replace(/\\(\d{3}|.)/gs, (_, escaped: string) => unescaped(escaped))).join("");
}

function unescaped(escaped: string): string {
  return escaped.length === 3 ? String.fromCharCode(Number(escaped)) : escaped;
}
