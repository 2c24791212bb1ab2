import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** A record as the API has it. */
export interface StoredRecord {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly content: string;
  readonly ttl: number;
  readonly proxied: boolean;
}

/** A call that came. */
export interface Called {
  /** `POST /zones/z1/dns_records`, without the query. */
  readonly call: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly authorization: string | undefined;
}

/** What is answered instead: `undefined`: what the API would. */
export type Instead = (
  called: Called,
) => { status: number; body?: unknown; headers?: Record<string, string> } | undefined;

/**
 * An EMULATION of the four calls of Cloudflare's API that are used, after its documentation (developers.cloudflare.com/api, read
 * in 2026): shapes, paging, error codes. It was never compared with the real one by a program.
 */
export interface CloudflareEmulation extends AsyncDisposable {
  /** Base address, for `api`. */
  readonly api: string;
  readonly token: string;
  readonly records: StoredRecord[];
  readonly called: Called[];
  instead: Instead;
}

const most = 2;

/** @param zones Ids by name. Pages hold two results, so that few records need several. */
export async function cloudflareEmulation(zones: Readonly<Record<string, string>>): Promise<CloudflareEmulation> {
  const token = "emulated-token_0123456789abcdefghijklmnop";
  const records: StoredRecord[] = [];
  const called: Called[] = [];
  let made = 0;
  const state = { instead: (() => undefined) as Instead };

  const fail = (status: number, code: number, message: string) => ({
    status,
    body: { success: false, errors: [{ code, message }], messages: [], result: null },
  });
  const good = (result: unknown, more: object = {}) => ({
    status: 200,
    body: { success: true, errors: [], messages: [], result, ...more },
  });
  const listed = (found: readonly unknown[], { page = "1", per_page = "100" }: Record<string, string | undefined>) => {
    const size = Math.min(Number(per_page), most);
    const at = (Number(page) - 1) * size;
    const total_pages = Math.ceil(found.length / size);
    return good(found.slice(at, at + size), {
      result_info: { page: Number(page), per_page: size, total_pages, total_count: found.length },
    });
  };

  const answer = ({ call, query, body, authorization }: Called) => {
    if (authorization !== `Bearer ${token}`) return fail(403, 10000, "Authentication error");
    const [method, path = ""] = call.split(" ");
    const [, first, zone = "", kind, id] = path.split("/");
    if (method === "GET" && first === "zones" && zone === "") {
      const found = Object.entries(zones).map(([name, each]) => ({ id: each, name, status: "active" }));
      return listed(
        found.filter(({ name }) => query.name === undefined || query.name === name),
        query,
      );
    }
    if (!Object.values(zones).includes(zone) || kind !== "dns_records") return fail(404, 7003, "Could not route");
    if (method === "GET") {
      const matches = (record: StoredRecord) =>
        (query.name === undefined || query.name === record.name) &&
        (query.type === undefined || query.type === record.type);
      return listed(records.filter(matches), query);
    }
    if (method === "POST") {
      const record = { ...(body as StoredRecord), id: `r${++made}` };
      const beside = records.filter(({ name }) => name === record.name);
      if (beside.some(({ type }) => type === "CNAME")) {
        return fail(400, 81053, "An A, AAAA, or CNAME record with that host already exists.");
      }
      if (beside.some(({ type, content }) => type === record.type && content === record.content)) {
        return fail(400, 81058, "An identical record already exists.");
      }
      records.push(record);
      return good(record);
    }
    const at = records.findIndex((record) => record.id === id);
    if (at < 0) return fail(404, 81044, "Record does not exist.");
    records.splice(at, 1);
    return good({ id });
  };

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "", "http://emulation");
    const one: Called = {
      call: `${request.method} ${url.pathname.replace("/client/v4", "")}`,
      query: Object.fromEntries(url.searchParams),
      body: await bodyOf(request),
      authorization: request.headers.authorization,
    };
    called.push(one);
    const {
      status,
      body,
      headers = {},
    } = { headers: undefined, body: undefined, ...(state.instead(one) ?? answer(one)) };
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body ?? {}));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    api: `http://127.0.0.1:${(server.address() as AddressInfo).port}/client/v4`,
    token,
    records,
    called,
    get instead() {
      return state.instead;
    },
    set instead(instead) {
      state.instead = instead;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text === "" ? undefined : JSON.parse(text);
}
