import { createHash, createHmac, createPublicKey, type JsonWebKey, randomBytes, verify } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Solver } from "../../../../infra/provider/acme/authority.ts";
import { readCertificate } from "../../../../infra/provider/acme/certificate.ts";
import { issuer, leaf, privatePem, readRequest } from "./certificates.ts";

/** A question that came, with the signature off. */
export interface Asked {
  readonly method: string;
  /** `/order/1` */
  readonly path: string;
  /** `undefined` where nothing was signed; `""` of a POST-as-GET. */
  readonly payload?: unknown;
  readonly headers: IncomingMessage["headers"];
}

/** What is answered. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; a text as it is. */
  readonly body?: unknown;
}

export interface Behaviour {
  /** Of the directory. */
  readonly meta?: object;
  /** @default true */
  readonly renewalInfo?: boolean;
  /** By key id, of external accounts; where there are some, no account is made without one. */
  readonly external?: Readonly<Record<string, string>>;
  /** Names whose authorizations are valid from the start. */
  readonly authorized?: readonly string[];
  /** Answers in place of the authority, which has taken the one-time value by then; `drop`: it does what it does, and the answer is lost. */
  readonly before?: (asked: Asked) => Reply | "drop" | undefined;
  /** What the authority finds wrong with a challenge, beside a record that is not there. */
  readonly verdict?: (name: string) => object | undefined;
  /** How often something is looked at before it is no longer being worked at. @default 0 */
  readonly looks?: number;
  /** How many one-time values are refused in a row, of each question. @default 0 */
  readonly badNonces?: number;
}

/** An ACME server (RFC 8555) on a free port of the loopback interface, and the records that it looks for. */
export interface FakeAuthority extends AsyncDisposable {
  readonly directory: string;
  /** PEM of the root of its own HTTPS. */
  readonly roots: string;
  /** Of what it issues. */
  readonly issuing: string;
  readonly asked: readonly Asked[];
  /** `present`, `wait` and `cleanUp` as they came; and what is there. */
  readonly solver: Solver & { readonly log: readonly string[]; readonly records: ReadonlySet<string> };
}

interface Thing {
  [key: string]: unknown;
  status: string;
  looks: number;
}

const problem = (status: number, type: string, detail = type, more: object = {}): Reply => ({
  status,
  headers: { "content-type": "application/problem+json" },
  body: { type: `urn:ietf:params:acme:error:${type}`, detail, ...more },
});

export { problem };

export async function fakeAuthority(behaviour: Behaviour = {}): Promise<FakeAuthority> {
  const { meta = {}, before = () => undefined, verdict = () => undefined, looks = 0, badNonces = 0 } = behaviour;
  const root = await issuer("Fake root");
  const intermediate = await issuer("Fake intermediate", root);
  const own = await leaf(root, { names: ["localhost"] });
  const asked: Asked[] = [];
  const nonces = new Set<string>();
  const accounts = new Map<string, JsonWebKey>();
  const things = new Map<string, Thing>();
  const replaced = new Set<string>();
  const records = new Set<string>();
  const log: string[] = [];
  let [refusedNonces, number] = [0, 0];

  const solver: FakeAuthority["solver"] = {
    log,
    records,
    async present(name, value) {
      log.push(`present ${name}`);
      records.add(`${name} ${value}`);
    },
    async wait(name, value) {
      log.push(`wait ${name}${records.has(`${name} ${value}`) ? "" : " for nothing"}`);
    },
    async cleanUp(name, value) {
      log.push(`cleanUp ${name}${records.delete(`${name} ${value}`) ? "" : " of nothing"}`);
    },
  };

  const server = createServer({ key: await privatePem(own.keys), cert: own.pem }, async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const text = Buffer.concat(pieces).toString();
    const path = request.url ?? "";
    const body = text === "" ? undefined : (JSON.parse(text) as Jws);
    const question: Asked = {
      method: request.method ?? "",
      path,
      headers: request.headers,
      ...(body && { payload: decode(body.payload) }),
    };
    asked.push(question);
    const instead = before(question);
    const isInstead = instead !== undefined && instead !== "drop";
    const reply = isInstead ? (takeNonce(body) ?? instead) : await answer(question, body);
    if (instead === "drop") return request.socket.destroy();
    const nonce = randomBytes(12).toString("base64url");
    nonces.add(nonce);
    const isText = typeof reply.body === "string";
    response.writeHead(reply.status ?? 200, {
      "content-type": isText ? "application/pem-certificate-chain" : "application/json",
      "replay-nonce": nonce,
      ...reply.headers,
    });
    return response.end(isText ? reply.body : reply.body === undefined ? "" : JSON.stringify(reply.body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const base = `https://localhost:${(server.address() as AddressInfo).port}`;

  /** Refuses a value that was not given out, or was taken before. */
  function takeNonce(jws: Jws | undefined): Reply | undefined {
    if (jws === undefined || nonces.delete((decode(jws.protected) as { nonce: string }).nonce)) return undefined;
    return problem(400, "badNonce");
  }

  async function answer({ method, path, payload }: Asked, jws: Jws | undefined): Promise<Reply> {
    const [, what = "", id = ""] = path.split("/");
    if (what === "dir") return { body: directory() };
    if (what === "nonce") return {};
    if (what === "ari") return ari(id);
    if (method !== "POST" || jws === undefined) return problem(405, "malformed");
    const signer = check(jws, path);
    if ("status" in signer) return signer;
    if (path === "/account") return account(signer.key, payload as Payload, jws);
    if (signer.uri === undefined) return problem(400, "accountDoesNotExist");
    if (what === "account") return { body: { status: "valid" } };
    if (path === "/order") return newOrder(payload as Payload);
    if (what === "revoke") return revoke(payload as Payload);
    const thing = things.get(what === "finalize" ? `/order/${id}` : path);
    if (thing === undefined) return problem(404, "malformed", `nothing at ${path}`);
    if (what === "chall") return challenged(thing, path);
    if (what === "finalize") return finalize(thing, payload as Payload, id);
    if (thing.status === "processing" || (what === "authz" && thing.ripe !== undefined)) ripen(thing);
    if (what === "cert") return { body: thing.chain };
    return { body: thing, ...(looks > 0 && { headers: { "retry-after": "0" } }) };
  }

  function directory(): object {
    const urls = { newNonce: "nonce", newAccount: "account", newOrder: "order", revokeCert: "revoke" };
    return {
      ...Object.fromEntries(Object.entries(urls).map(([name, path]) => [name, `${base}/${path}`])),
      ...(behaviour.renewalInfo !== false && { renewalInfo: `${base}/ari` }),
      meta,
    };
  }

  /** Signature, URL, one-time value and account, in that order. */
  function check(jws: Jws, path: string): (Reply & { status: number }) | { key: JsonWebKey; uri: string | undefined } {
    const header = decode(jws.protected) as { url: string; nonce: string; kid?: string; jwk?: JsonWebKey };
    const key = header.jwk ?? accounts.get(header.kid ?? "");
    if (key === undefined) return { status: 400, ...problem(400, "accountDoesNotExist", "no such account") };
    const signature = { key: createPublicKey({ key, format: "jwk" }), dsaEncoding: "ieee-p1363" } as const;
    const bytes = Buffer.from(`${jws.protected}.${jws.payload}`);
    if (!verify("sha256", bytes, signature, Buffer.from(jws.signature, "base64url")) || header.url !== base + path) {
      return { status: 403, ...problem(403, "unauthorized", "the signature does not hold") };
    }
    refusedNonces = refusedNonces < badNonces ? refusedNonces + 1 : 0;
    const refused = takeNonce(jws);
    if (refused !== undefined || refusedNonces > 0) return { status: 400, ...problem(400, "badNonce") };
    return { key, uri: header.kid };
  }

  function account(key: JsonWebKey, payload: Payload, jws: Jws): Reply {
    const name = thumbprint(key);
    const url = `${base}/account/${name}`;
    if (accounts.has(url)) return { headers: { location: url }, body: { status: "valid" } };
    if (payload.onlyReturnExisting === true) return problem(400, "accountDoesNotExist", "no such account");
    if (behaviour.external !== undefined && !isBound(payload.externalAccountBinding as Jws | undefined, key)) {
      return problem(403, jws && payload.externalAccountBinding ? "unauthorized" : "externalAccountRequired");
    }
    accounts.set(url, key);
    return { status: 201, headers: { location: url }, body: { status: "valid", contact: payload.contact } };
  }

  /** RFC 8555, section 7.3.4. */
  function isBound(binding: Jws | undefined, key: JsonWebKey): boolean {
    if (binding === undefined) return false;
    const { alg, kid = "", url } = decode(binding.protected) as { alg: string; kid?: string; url: string };
    const secret = Buffer.from(behaviour.external?.[kid] ?? "", "base64url");
    const mac = createHmac("sha256", secret).update(`${binding.protected}.${binding.payload}`).digest("base64url");
    const same = thumbprint(decode(binding.payload) as JsonWebKey) === thumbprint(key);
    return alg === "HS256" && url === `${base}/account` && mac === binding.signature && same;
  }

  function newOrder(payload: Payload): Reply {
    const identifiers = payload.identifiers as { type: string; value: string }[];
    if (typeof payload.replaces === "string") {
      if (replaced.has(payload.replaces)) return problem(409, "alreadyReplaced", "already replaced");
      replaced.add(payload.replaces);
    }
    number += 1;
    const authorizations = identifiers.map((identifier, index) =>
      newAuthorization(identifier.value, `${number}-${index}`),
    );
    const ready = authorizations.every((url) => things.get(new URL(url).pathname)?.status === "valid");
    const order = {
      status: ready ? "ready" : "pending",
      looks: 0,
      identifiers,
      authorizations,
      finalize: `${base}/finalize/${number}`,
    };
    things.set(`/order/${number}`, order);
    return { status: 201, headers: { location: `${base}/order/${number}` }, body: order };
  }

  function newAuthorization(name: string, id: string): string {
    const value = name.replace(/^\*\./, "");
    const valid = behaviour.authorized?.includes(name) === true;
    const challenge = { type: "dns-01", url: `${base}/chall/${id}`, token: randomBytes(8).toString("hex") };
    const other = { ...challenge, type: "http-01", url: `${base}/chall/other` };
    const status = valid ? "valid" : "pending";
    things.set(`/authz/${id}`, {
      status,
      looks: 0,
      identifier: { type: "dns", value },
      challenges: [other, { ...challenge, status }],
    });
    things.set(`/chall/${id}`, { status, looks: 0, ...challenge });
    return `${base}/authz/${id}`;
  }

  /** The authority looks for the record now, and tells when it is looked at often enough. */
  function challenged(thing: Thing, path: string): Reply {
    const authorization = things.get(path.replace("chall", "authz"));
    if (authorization?.status !== "pending") return problem(400, "malformed", "not pending");
    const { value } = authorization.identifier as { value: string };
    const [account] = [...accounts.values()];
    const digest = createHash("sha256")
      .update(`${thing.token}.${thumbprint(account ?? {})}`)
      .digest("base64url");
    const found = records.has(`_acme-challenge.${value} ${digest}`);
    const error = verdict(value) ?? (found ? undefined : problem(403, "unauthorized", "no TXT record").body);
    authorization.ripe = { status: error === undefined ? "valid" : "invalid", ...(error !== undefined && { error }) };
    return { body: { ...thing, status: "processing" } };
  }

  function ripen(thing: Thing): void {
    thing.looks += 1;
    if (thing.looks <= looks) return;
    const { error, ...ripe } = thing.ripe as { status: string; error?: object };
    Object.assign(thing, ripe);
    if (Array.isArray(thing.challenges)) {
      Object.assign(thing.challenges[1], { status: ripe.status, ...(error && { error }) });
    }
    delete thing.ripe;
    for (const order of things.values()) {
      const states = (order.authorizations as string[] | undefined)?.map(
        (url) => things.get(new URL(url).pathname)?.status,
      );
      if (order.status !== "pending" || states === undefined) continue;
      if (states.includes("invalid")) order.status = "invalid";
      if (states.every((status) => status === "valid")) order.status = "ready";
    }
  }

  async function finalize(order: Thing, payload: Payload, id: string): Promise<Reply> {
    if (order.status !== "ready") return problem(403, "orderNotReady", `the order is ${order.status}`);
    const csr = readRequest(Buffer.from(String(payload.csr), "base64url"));
    const serial = randomBytes(8).toString("hex");
    const made = await leaf(intermediate, { names: csr.names, publicKey: csr.publicKey, serial });
    things.set(`/cert/${id}`, { status: "valid", looks: 0, chain: made.pem + intermediate.pem });
    order.status = "processing";
    order.ripe = { status: "valid", certificate: `${base}/cert/${id}` };
    return { body: order, headers: { location: `${base}/order/${id}` } };
  }

  function revoke({ certificate }: Payload): Reply {
    const pem = `-----BEGIN CERTIFICATE-----\n${Buffer.from(String(certificate), "base64url").toString("base64")}\n-----END CERTIFICATE-----`;
    const key = `revoked ${readCertificate(pem).serial}`;
    if (things.has(key)) return problem(400, "alreadyRevoked");
    things.set(key, { status: "revoked", looks: 0 });
    return {};
  }

  function ari(id: string): Reply {
    if (behaviour.renewalInfo === false || !/^[\w-]+\.[\w-]+$/.test(id)) return problem(404, "malformed");
    const suggestedWindow = { start: "2026-09-01T00:00:00Z", end: "2026-09-03T00:00:00Z" };
    return { headers: { "retry-after": "7200" }, body: { suggestedWindow, explanationURL: "https://ca.example/why" } };
  }

  return {
    directory: `${base}/dir`,
    roots: root.pem,
    issuing: root.pem,
    asked,
    solver,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

type Payload = Readonly<Record<string, unknown>>;

interface Jws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

function decode(text: string): unknown {
  return text === "" ? "" : JSON.parse(Buffer.from(text, "base64url").toString());
}

/** RFC 7638, of an elliptic key. */
function thumbprint({ crv, kty, x, y }: JsonWebKey): string {
  return createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
}
