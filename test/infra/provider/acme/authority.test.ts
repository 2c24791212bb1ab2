import { createPublicKey } from "node:crypto";
import { once } from "node:events";
import { createServer as createProxy } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { axios } from "acme-client";
import { beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type AccountKey,
  type CertificateAuthority,
  type CertificateRequest,
  type Conversation,
  newAccountKey,
  openAuthority,
  type Solver,
} from "../../../../infra/provider/acme/authority.ts";
import { readCertificate } from "../../../../infra/provider/acme/certificate.ts";
import { chainProblems } from "../../../../infra/provider/acme/chain.ts";
import { Refused } from "../../../../infra/provider/acme/problem.ts";
import { Unanswered } from "../../../../infra/provider/acme/transport.ts";
import { Failure } from "../../../../infra/provider/failure.ts";
import { issuer, leaf, privatePem, request } from "./certificates.ts";
import {
  type Asked,
  type Behaviour,
  type FakeAuthority,
  fakeAuthority,
  problem,
  type Reply,
} from "./fake-authority.ts";

const names = ["a.kommune.dk", "b.kommune.dk"];
let wanted: CertificateRequest & { readonly publicKey: string };

beforeAll(async () => {
  wanted = { names, ...(await request(names)) };
});

// Whoever runs this may sit behind a proxy, which does not know this machine's own address.
beforeEach(() => {
  vi.stubEnv("NO_PROXY", "localhost,127.0.0.1");
});

interface World extends AsyncDisposable {
  readonly fake: FakeAuthority;
  readonly ca: CertificateAuthority;
  readonly account: AccountKey;
  readonly said: string[];
  readonly host: string;
  /** `POST /order`, without the directory's and the account's. */
  asked(): string[];
}

const patience = { tries: 3, pause: 1, longestPause: 100, answer: 5000, work: 100 };

async function open(fake: FakeAuthority, more: Partial<Conversation> = {}) {
  const said: string[] = [];
  const { signal } = new AbortController();
  const conversation = { signal, say: (line: string) => said.push(line), userAgent: "test/1", patience, ...more };
  return { said, ca: await openAuthority(fake, conversation) };
}

async function world(behaviour: Behaviour = {}, more: Partial<Conversation> = {}): Promise<World> {
  const fake = await fakeAuthority(behaviour);
  const { ca, said } = await open(fake, more);
  const account = await ca.createAccount({ key: newAccountKey(), contacts: ["it@kommune.dk"], termsAgreed: true });
  const before = fake.asked.length;
  const asked = () => fake.asked.slice(before).map(({ method, path }) => `${method} ${path}`);
  const host = new URL(fake.directory).host;
  return { fake, ca, account, said, asked, host, [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose]() };
}

/** Once, or so often, where a question matches. */
function at(path: RegExp, reply: Reply | "drop", times = Infinity): Pick<Behaviour, "before"> {
  let left = times;
  return {
    before: (asked: Asked) => {
      if (!path.test(`${asked.method} ${asked.path}`) || left === 0) return undefined;
      left -= 1;
      return reply;
    },
  };
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof Failure) return thrown;
  throw new Error("no Failure came", { cause: thrown });
}

describe("an order", () => {
  test("challenges are set, waited for, looked for and taken away, and what comes is what was asked for", async () => {
    await using here = await world({ looks: 2 });
    const { fake, ca, account, host } = here;
    const { chain, url } = await ca.order(account, wanted, fake.solver);
    expect(chainProblems(chain, { ...wanted, now: new Date(), roots: fake.issuing })).toEqual([]);
    expect(url).toBe(`https://${host}/order/1`);
    expect(fake.solver.log).toEqual(
      ["present", "wait", "cleanUp"].flatMap((what) => names.map((name) => `${what} _acme-challenge.${name}`)),
    );
    expect(here.said).toEqual([`${host} looks for _acme-challenge.a.kommune.dk, _acme-challenge.b.kommune.dk`]);
    const identifiers = names.map((value) => ({ type: "dns", value }));
    expect(fake.asked.find(({ path }) => path === "/order")?.payload).toEqual({ identifiers });
  });

  test("nothing goes by the client's own way out, and one-time values are used again", async () => {
    await using here = await world();
    axios.defaults.adapter = () => Promise.reject(new Error("axios was used"));
    await here.ca.order(here.account, { ...wanted }, here.fake.solver);
    expect(new Set(here.fake.asked.map(({ headers }) => headers["user-agent"]))).toEqual(new Set(["test/1"]));
    // Two go on at once, so one more than for the account is fetched.
    expect(here.asked().filter((line) => line === "HEAD /nonce").length).toBeLessThanOrEqual(1);
  });

  test("names that are authorized are not challenged", async () => {
    await using here = await world({ authorized: ["a.kommune.dk"] });
    await here.ca.order(here.account, wanted, here.fake.solver);
    expect(here.fake.solver.log).toEqual(
      ["present", "wait", "cleanUp"].map((what) => `${what} _acme-challenge.b.kommune.dk`),
    );
  });

  test("one that is ready goes on", async () => {
    await using here = await world({ authorized: names });
    await here.ca.order(here.account, wanted, here.fake.solver);
    expect(here.fake.solver.log).toEqual([]);
    expect(here.asked()).not.toContainEqual(expect.stringContaining("authz"));
  });

  test("a name and its wildcard have two values in one place", async () => {
    await using here = await world();
    const both = ["*.kommune.dk", "kommune.dk"];
    const { chain } = await here.ca.order(here.account, { names: both, ...(await request(both)) }, here.fake.solver);
    expect(readCertificate(chain).names).toEqual(both);
    expect(here.fake.solver.records.size).toBe(0);
  });

  test("many at once", async () => {
    await using here = await world();
    const made = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const one = [`host${index}.kommune.dk`];
        const { chain } = await here.ca.order(here.account, { names: one, ...(await request(one)) }, here.fake.solver);
        return readCertificate(chain).names;
      }),
    );
    expect(made).toEqual(Array.from({ length: 10 }, (_, index) => [`host${index}.kommune.dk`]));
    expect(here.fake.solver.records.size).toBe(0);
  });

  test("what another run ordered, for a key of its own, is not taken", async () => {
    let given: Reply | undefined;
    await using here = await world({ before: ({ path }) => (path === "/order" ? given : undefined) });
    const other = { names, ...(await request(names)) };
    const { url } = await here.ca.order(here.account, other, here.fake.solver);
    const body = { status: "valid", certificate: url.replace("order", "cert") };
    given = { status: 201, headers: { location: url }, body };
    const failed = await failureOf(here.ca.order(here.account, wanted, here.fake.solver));
    expect(failed.explanation).toEqual({
      what: `could not get a certificate for ${names.join(", ")} from ${here.host}`,
      why: `what order ${url} gave is for another key`,
      remedy: "Run it again: that makes a new order.",
    });
  });

  test.each([
    { what: "of other names", csr: ["a.kommune.dk"], why: "the certificate request is for a.kommune.dk" },
    { what: "of none", csr: [], why: "the certificate request is for no names" },
  ])("a certificate request $what is not sent", async ({ csr, why }) => {
    await using here = await world();
    const failed = await failureOf(here.ca.order(here.account, { names, ...(await request(csr)) }, here.fake.solver));
    expect(failed.explanation.why).toBe(why);
    expect(here.asked()).toEqual([]);
  });
});

describe("challenges are taken away", () => {
  const refused = problem(403, "unauthorized", "wrong TXT record").body as object;
  const gone = ["cleanUp _acme-challenge.a.kommune.dk", "cleanUp _acme-challenge.b.kommune.dk"];

  test("where the authority does not accept them: each name is told, and how to find out", async () => {
    const dns = problem(400, "dns", "SERVFAIL looking up TXT").body as object;
    await using here = await world({ verdict: (name) => (name.startsWith("a") ? refused : dns) });
    const failed = await failureOf(here.ca.order(here.account, wanted, here.fake.solver));
    const look = "`npm run verify -- dns STACK` asks every name server and says which is wrong.";
    expect(failed.explanation).toEqual({
      what: `could not get a certificate for a.kommune.dk, b.kommune.dk from ${here.host}`,
      why: "a.kommune.dk: unauthorized: wrong TXT record\nb.kommune.dk: dns: SERVFAIL looking up TXT",
      remedy: `The authority found no challenge, or an old one: the CNAME leads elsewhere, or some name server has not got it yet. ${look}\nThe authority's own question to the name servers failed, or found no challenge. ${look}`,
    });
    expect(failed).toMatchObject({ type: "several", failedNames: names });
    expect(here.fake.solver.log.slice(-2)).toEqual(gone);
  });

  const failing = (how: Partial<Solver>) => (solver: Solver) => ({ ...solver, ...how });
  test.each([
    {
      where: "one cannot be set; it may have been all the same",
      solve: (solver: Solver) =>
        failing({
          present: async (name, value) => {
            await solver.present(name, value);
            if (name.includes("b.kommune")) throw new Error("the name server hung up");
          },
        })(solver),
      why: "the name server hung up",
      log: gone,
    },
    {
      where: "the first one cannot be set, so the second is not tried",
      solve: failing({ present: async () => Promise.reject(new Error("refused")) }),
      why: "refused",
      log: ["cleanUp _acme-challenge.a.kommune.dk of nothing"],
    },
    {
      where: "they do not spread",
      solve: failing({ wait: async () => Promise.reject(new Failure({ what: "waited", why: "in vain" })) }),
      why: "in vain",
      log: gone,
    },
  ])("where $where", async ({ solve, why, log }) => {
    await using here = await world();
    const failed = await failureOf(here.ca.order(here.account, wanted, solve(here.fake.solver)));
    expect(failed.explanation.why).toBe(why);
    expect(here.fake.solver.log.filter((line) => line.startsWith("cleanUp"))).toEqual(log);
    expect(here.fake.solver.records.size).toBe(0);
    expect(here.asked()).not.toContainEqual(expect.stringContaining("chall"));
  });

  test("where it is cancelled while they spread, at once", async () => {
    const cancel = new AbortController();
    await using here = await world({}, { signal: cancel.signal });
    const solver = {
      ...here.fake.solver,
      wait: () => {
        cancel.abort(new Error("enough"));
        return new Promise<void>(() => undefined);
      },
    };
    await expect(here.ca.order(here.account, wanted, solver)).rejects.toThrow("enough");
    expect(here.fake.solver.log.slice(-2)).toEqual(gone);
  });

  test("where it is cancelled while the authority works", async () => {
    const cancel = new AbortController();
    const before = ({ path }: Asked) => {
      if (path.startsWith("/chall")) setTimeout(() => cancel.abort(new Error("enough")), 20);
      return undefined;
    };
    const waiting = { ...patience, pause: 60_000, longestPause: 60_000, work: 60_000 };
    await using here = await world({ looks: 99, before }, { signal: cancel.signal, patience: waiting });
    await expect(here.ca.order(here.account, wanted, here.fake.solver)).rejects.toThrow("enough");
    expect(here.fake.solver.records.size).toBe(0);
  });

  test("and where they cannot be, the certificate is not lost for it", async () => {
    await using here = await world();
    const solver = { ...here.fake.solver, cleanUp: () => Promise.reject(new Error("name server down")) };
    const { chain } = await here.ca.order(here.account, wanted, solver);
    expect(readCertificate(chain).names).toEqual(names);
    expect(here.said.slice(-2)).toEqual(
      names.map((name) => `could not take the challenge at _acme-challenge.${name} away: name server down`),
    );
  });

  test("where the authority does not come to an end", async () => {
    await using here = await world({ looks: 1e9 });
    const failed = await failureOf(here.ca.order(here.account, wanted, here.fake.solver));
    expect(failed.explanation.why).toMatch(/^https:\/\/localhost:\d+\/authz\/1-0 is still pending after 0 s$/);
    expect(here.fake.solver.records.size).toBe(0);
  });
});

describe("what passes is asked again", () => {
  const busy = { status: 503, headers: { "retry-after": "0" }, body: "busy" };
  test.each([
    { what: "an authority out of order", fault: at(/POST/, busy, 2) },
    { what: "a directory that is busy", fault: at(/GET \/dir/, { status: 500 }, 2) },
    {
      what: "a limit that ends soon",
      fault: at(/POST \/order/, { ...problem(429, "rateLimited"), ...{ headers: { "retry-after": "0" } } }, 1),
    },
    { what: "a lost answer to an order", fault: at(/POST \/order$/, "drop", 1) },
    { what: "a lost answer to an account", fault: at(/POST \/account$/, "drop", 1) },
    { what: "a lost answer to a challenge", fault: at(/POST \/chall/, "drop", 1) },
    { what: "a lost answer to the end of an order", fault: at(/POST \/finalize/, "drop", 1) },
    { what: "a lost certificate", fault: at(/POST \/cert/, "drop", 2) },
    { what: "a lost one-time value", fault: at(/HEAD/, "drop", 2) },
  ] as const)("$what", async ({ fault }) => {
    await using here = await world(fault);
    const { chain } = await here.ca.order(here.account, wanted, here.fake.solver);
    expect(readCertificate(chain).names).toEqual(names);
    expect(here.said.join("\n")).toMatch(/^localhost:\d+: .*; asked again in \d s$/m);
    expect(here.fake.solver.records.size).toBe(0);
  });

  test("an authority that stays out of order is told as that: each try has a one-time value of its own", async () => {
    await using here = await world(at(/POST \/order$/, problem(500, "serverInternal", "no such thing")));
    const failed = await failureOf(here.ca.order(here.account, wanted, here.fake.solver));
    expect(failed).toMatchObject({ type: "serverInternal" });
    expect(failed.explanation.why).toBe("serverInternal: no such thing");
    expect(here.asked().filter((line) => line === "POST /order")).toHaveLength(patience.tries);
    expect(here.said.join("\n")).not.toContain("one-time value");
  });

  test("what keeps a question from being asked is told with its own address", async () => {
    await using fake = await fakeAuthority(at(/HEAD/, { status: 404 }));
    const { ca } = await open(fake);
    const failed = await failureOf(ca.createAccount({ key: newAccountKey(), contacts: [], termsAgreed: true }));
    expect(failed.explanation.why).toBe(`unknown: answers 404: ${new URL("/nonce", fake.directory)}`);
  });

  test("an answer that is cut off in the middle is told as that", async () => {
    const root = await issuer("Root");
    const own = await leaf(root, { names: ["localhost"] });
    const server = createHttpsServer({ key: await privatePem(own.keys), cert: own.pem }, (_, response) => {
      response.writeHead(200, { "content-length": "9" });
      response.write("{", () => response.destroy());
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const directory = `https://localhost:${(server.address() as AddressInfo).port}/dir`;
    const conversation = { signal: new AbortController().signal, say: () => undefined, userAgent: "test/1", patience };
    const failed = await failureOf(openAuthority({ directory, roots: root.pem }, conversation));
    server.close();
    expect(failed.explanation.why).toBe(`${directory}: the answer was cut off`);
  });

  test("one of its machines may tell for a while what was before an order's end", async () => {
    let stale = 0;
    let order: Reply | undefined;
    await using here = await world({
      authorized: names,
      before: ({ path }) => {
        if (path !== "/order/1" || stale === 2) return undefined;
        stale += 1;
        return order;
      },
    });
    const identifiers = names.map((value) => ({ type: "dns", value }));
    const base = `https://${here.host}`;
    order = { body: { status: "ready", identifiers, authorizations: [], finalize: `${base}/finalize/1` } };
    const { chain } = await here.ca.order(here.account, wanted, here.fake.solver);
    expect([stale, readCertificate(chain).names]).toEqual([2, names]);
  });

  test("ten one-time values that are refused, not eleven", async () => {
    await using here = await world({ badNonces: 10 });
    expect(here.said.at(-1)).toMatch(/^localhost:\d+ refused a one-time value; try 11 of 11$/);
    await using other = await fakeAuthority({ badNonces: 11 });
    const { ca } = await open(other);
    const failed = await failureOf(ca.createAccount({ key: newAccountKey(), contacts: [], termsAgreed: true }));
    expect(failed).toMatchObject({
      type: "badNonce",
      explanation: { remedy: expect.stringContaining("Run it again later") },
    });
  });

  test("not for ever, and not where nobody is to be trusted", async () => {
    await using fake = await fakeAuthority(at(/./, "drop"));
    const lost = await failureOf(open(fake));
    expect(lost).toBeInstanceOf(Unanswered);
    expect(lost.explanation.why).toBe(`${fake.directory}: socket hang up`);
    expect(fake.asked.length).toBe(patience.tries);
    const stranger = await issuer("Stranger");
    const distrusted = await failureOf(open({ ...fake, roots: stranger.pem }));
    expect(distrusted.explanation.remedy).toContain("give the roots that it leads to");
    const unlisted = await failureOf(open({ ...fake, directory: fake.directory.replace("localhost", "127.0.0.1") }));
    expect(unlisted.explanation.remedy).toContain("is not trusted");
    expect(fake.asked.length).toBe(patience.tries);
  });

  test("the roots of one authority are not another's", async () => {
    await using one = await world();
    await using other = await fakeAuthority();
    const failed = await failureOf(open({ ...other, roots: one.fake.roots }));
    expect(failed.explanation.remedy).toContain("is not trusted");
    await open(other);
    await one.ca.order(one.account, wanted, one.fake.solver);
  });

  test("an answer that does not come is not waited for without end", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const directory = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/dir`;
    const { signal } = new AbortController();
    const conversation = { signal, say: () => undefined, userAgent: "test/1" };
    const short = { ...patience, answer: 20, tries: 2 };
    const failed = await failureOf(openAuthority({ directory }, { ...conversation, patience: short }));
    expect(failed.explanation.why).toBe(`${directory}: no answer within 0.02 s`);
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  test("by a proxy, where the environment names one", async () => {
    await using fake = await fakeAuthority();
    const through: string[] = [];
    const proxy = createProxy().on("connect", ({ url = "" }, socket) => {
      through.push(url);
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const onward = connect({ host: "127.0.0.1", port: Number(url.split(":")[1]) });
      onward.pipe(socket).pipe(onward);
      for (const end of [socket, onward]) end.on("error", () => undefined);
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    vi.stubEnv("HTTPS_PROXY", `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
    vi.stubEnv("NO_PROXY", "");
    await open(fake);
    vi.unstubAllEnvs();
    expect(through).toEqual([new URL(fake.directory).host]);
    proxy.closeAllConnections();
    proxy.close();
  });
});

describe("what the authority refuses", () => {
  const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3_600_000);
  test.each([
    {
      reply: {
        ...problem(429, "rateLimited", "too many certificates (5) already issued"),
        headers: { "retry-after": until.toUTCString() },
      },
      why: "rateLimited: too many certificates (5) already issued",
      remedy: `Wait until ${until.toISOString()}: HOST limits how much may be asked of it.`,
    },
    {
      reply: problem(429, "rateLimited", "too many"),
      why: "rateLimited: too many",
      remedy: "Wait, an hour at least: HOST limits how much may be asked of it, and asking on makes it longer.",
    },
    {
      reply: problem(403, "rejectedIdentifier", "two names", {
        subproblems: names.map((value) => ({
          type: "urn:ietf:params:acme:error:rejectedIdentifier",
          detail: "barred",
          identifier: { type: "dns", value },
        })),
      }),
      why: "rejectedIdentifier: two names\na.kommune.dk: rejectedIdentifier: barred\nb.kommune.dk: rejectedIdentifier: barred",
      remedy:
        "The authority issues for public names that it has not barred: choose another name, or another authority.",
    },
    {
      reply: problem(403, "caa", "CAA record prevents issuance"),
      why: "caa: CAA record prevents issuance",
      remedy:
        "A CAA record forbids this authority, this account or DNS challenges. `npm run verify -- dns STACK` asks every name server and says which is wrong.",
    },
    {
      reply: problem(400, "accountDoesNotExist", "unknown"),
      why: "accountDoesNotExist: unknown",
      remedy:
        "The account is of another authority than HOST, or was forgotten there: make a new one with `npm run pulumi -- up -s STACK --replace URN`; `npm run pulumi -- stack -s STACK --show-urns` shows the URN of the account.",
    },
    {
      reply: problem(403, "unauthorized", "account is deactivated"),
      why: "unauthorized: account is deactivated",
      remedy:
        "Has HOST closed the account? Then make a new one with `npm run pulumi -- up -s STACK --replace URN`; `npm run pulumi -- stack -s STACK --show-urns` shows the URN of the account.",
    },
    {
      reply: problem(403, "userActionRequired", "terms have changed", { instance: "https://ca.example/terms/2" }),
      why: "userActionRequired: terms have changed",
      remedy: "Read, and do, what https://ca.example/terms/2 says; most often new terms are to be accepted.",
    },
    {
      reply: problem(400, "invalidProfile", "not that one"),
      why: "invalidProfile: not that one",
      remedy: "Its profiles are `short` (six days).",
    },
    { reply: problem(400, "somethingNew", "as told"), why: "somethingNew: as told" },
    { reply: { status: 404, body: "<h1>Not here</h1>" }, why: "unknown: answers 404: Not here" },
    { reply: { status: 403, body: {} }, why: "unknown: answers 403" },
  ] as { reply: Reply; why: string; remedy?: string }[])("$why", async ({ reply, why, remedy }) => {
    await using here = await world({ ...at(/POST \/order$/, reply), meta: { profiles: { short: "six days" } } });
    const failed = await failureOf(here.ca.order(here.account, wanted, here.fake.solver));
    expect(failed).toBeInstanceOf(Refused);
    expect(failed.explanation).toEqual({
      what: `could not get a certificate for a.kommune.dk, b.kommune.dk from ${here.host}`,
      why,
      ...(remedy && { remedy: remedy.replace("HOST", here.host) }),
    });
    expect(here.asked().filter((line) => line === "POST /order").length).toBe(1);
    expect(failed).toMatchObject({ failedNames: [] });
  });

  test("an order that it gives up, and a certificate request that it does not take", async () => {
    const invalid = { body: { status: "invalid", error: problem(403, "caa", "forbidden").body } };
    await using here = await world({ authorized: names, ...at(/POST \/order\/1/, invalid) });
    const failed = await failureOf(here.ca.order(here.account, wanted, here.fake.solver));
    expect(failed).toMatchObject({ type: "caa", explanation: { why: "caa: forbidden" } });
    await using other = await world({ authorized: names, ...at(/POST \/finalize/, problem(400, "badCSR", "weak")) });
    const refused = await failureOf(other.ca.order(other.account, wanted, other.fake.solver));
    expect(refused.explanation).toMatchObject({ why: "badCSR: weak", remedy: expect.stringContaining("ECDSA P-256") });
  });

  test("a name for which it offers no challenge by DNS", async () => {
    const body = {
      status: "pending",
      identifier: { type: "dns", value: "a.kommune.dk" },
      challenges: [{ type: "http-01" }],
    };
    await using here = await world(at(/POST \/authz/, { body }));
    const failed = await failureOf(here.ca.order(here.account, wanted, here.fake.solver));
    expect(failed.explanation.why).toBe("a.kommune.dk: it offers no challenge by DNS, but http-01");
  });
});

describe("profiles and replacement", () => {
  const meta = { profiles: { classic: "90 days", short: "six days" } };

  test("a profile is asked for by name; one that it has not is not", async () => {
    await using here = await world({ meta });
    expect(here.ca.profiles()).toEqual(meta.profiles);
    await here.ca.order(here.account, { ...wanted, profile: "short" }, here.fake.solver);
    expect(here.fake.asked.find(({ path }) => path === "/order")?.payload).toMatchObject({ profile: "short" });
    const before = here.asked().length;
    const failed = await failureOf(here.ca.order(here.account, { ...wanted, profile: "toString" }, here.fake.solver));
    expect(failed.explanation).toMatchObject({
      why: "it has no profile `toString`",
      remedy: "Its profiles are `classic` (90 days), `short` (six days).",
    });
    expect(here.asked().length).toBe(before);
  });

  test.each([
    ["a challenge that is not found", { verdict: () => ({ type: "urn:ietf:params:acme:error:dns" }) }, "dns", ["lost"]],
    [
      "an end that is refused, and may be tried again",
      at(/finalize/, problem(403, "userActionRequired")),
      "userActionRequired",
      [],
    ],
  ] as const)("whether an order came to nothing is told: %s", async (_, behaviour, type, told) => {
    await using here = await world(behaviour);
    const heard: string[] = [];
    const lost = async () => {
      heard.push("lost");
    };
    expect(await failureOf(here.ca.order(here.account, { ...wanted, lost }, here.fake.solver))).toMatchObject({ type });
    expect(heard).toEqual(told);
  });

  test("who places an order is asked before, and once more where it is to be no replacement; a word ends it", async () => {
    await using here = await world({ authorized: names });
    const { chain } = await here.ca.order(here.account, wanted, here.fake.solver);
    const replaces = readCertificate(chain).renewalId ?? "";
    const heard: (string | undefined)[] = [];
    const placing = async (replaced: string | undefined) => {
      heard.push(replaced);
      if (heard.length === 3) throw new Failure({ what: "no", why: "not that one" });
    };
    const order = () => here.ca.order(here.account, { ...wanted, replaces, placing }, here.fake.solver);
    expect(await order()).toMatchObject({ replaced: true });
    expect((await failureOf(order())).explanation.why).toBe("not that one");
    expect(heard).toEqual([replaces, replaces, undefined]);
    expect(here.asked().filter((line) => line === "POST /order")).toHaveLength(3);
  });

  test("what is replaced is said once; where that was said already, it is left out", async () => {
    await using here = await world({ authorized: names });
    const { chain } = await here.ca.order(here.account, wanted, here.fake.solver);
    const replaces = readCertificate(chain).renewalId ?? "";
    expect(await here.ca.order(here.account, { ...wanted, replaces }, here.fake.solver)).toMatchObject({
      replaced: true,
    });
    expect(here.said).toEqual([]);
    expect(await here.ca.order(here.account, { ...wanted, replaces }, here.fake.solver)).toMatchObject({
      replaced: false,
    });
    expect(here.said).toEqual([
      "ordered without saying what it replaces, for that was refused: alreadyReplaced: already replaced",
    ]);
    const orders = here.fake.asked.filter(({ path }) => path === "/order");
    expect(orders.map(({ payload }) => (payload as { replaces?: string }).replaces)).toEqual([
      undefined,
      replaces,
      replaces,
      undefined,
    ]);
  });

  test.each([
    { type: "malformed", status: 404, orders: 2, taken: true },
    { type: "unauthorized", status: 403, orders: 2, taken: true },
    // Out of order it says nothing of the certificate, and what replaces one counts for no limit.
    { type: "serverInternal", status: 500, orders: patience.tries, taken: false },
    { type: "rejectedIdentifier", status: 403, orders: 1, taken: false },
    { type: "rateLimited", status: 429, orders: 1, taken: false },
  ])("where the authority answers $type, it is asked $orders times", async ({ type, status, orders, taken }) => {
    const before = ({ path, payload }: Asked) =>
      path === "/order" && "replaces" in (payload as object) ? problem(status, type) : undefined;
    await using here = await world({ before, authorized: names });
    const work = here.ca.order(here.account, { ...wanted, replaces: "a.b" }, here.fake.solver);
    if (taken) expect(await work).toMatchObject({ replaced: false });
    else expect(await failureOf(work)).toMatchObject({ type });
    expect(here.asked().filter((line) => line === "POST /order").length).toBe(orders);
  });

  test("an authority that knows nothing of it is not told", async () => {
    await using here = await world({ authorized: names, renewalInfo: false });
    await here.ca.order(here.account, { ...wanted, replaces: "a.b" }, here.fake.solver);
    expect(here.fake.asked.find(({ path }) => path === "/order")?.payload).not.toHaveProperty("replaces");
  });
});

describe("when to renew", () => {
  async function ask(behaviour: Behaviour) {
    await using here = await world({ authorized: names, ...behaviour });
    const { chain } = await here.ca.order(here.account, wanted, here.fake.solver);
    const before = Date.now();
    const info = await here.ca.renewalInfo(chain);
    return { info, before, said: here.said, path: here.asked().at(-1), id: readCertificate(chain).renewalId };
  }

  test("is asked by the certificate's id, without a signature", async () => {
    const { info, before, path, id } = await ask({});
    expect(path).toBe(`GET /ari/${id}`);
    expect(info).toEqual({
      window: { start: new Date("2026-09-01T00:00:00Z"), end: new Date("2026-09-03T00:00:00Z") },
      explanationUrl: "https://ca.example/why",
      retryAfter: expect.any(Date),
    });
    const wait = (info?.retryAfter.getTime() ?? 0) - before;
    expect(wait).toBeGreaterThanOrEqual(7_200_000);
    expect(wait).toBeLessThan(7_260_000);
  });

  const backwards = { suggestedWindow: { start: "2026-09-03T00:00:00Z", end: "2026-09-01T00:00:00Z" } };
  test.each([
    {
      reply: problem(404, "malformed", "unknown certificate"),
      says: /does not tell when to renew: malformed: unknown certificate$/,
    },
    { reply: { body: backwards }, says: /its answer has no window of time$/ },
    { reply: { body: {} }, says: /its answer has no window of time$/ },
    { reply: { body: "later" }, says: /its answer has no window of time$/ },
    { reply: { status: 500 }, says: /does not tell when to renew: unknown: answers 500$/ },
    { reply: "drop" as const, says: /does not tell when to renew: could not ask/ },
  ])("an answer that is none stops nobody: $says", async ({ reply, says }) => {
    const { info, said } = await ask(at(/ari/, reply));
    expect(info).toBeUndefined();
    expect(said.at(-1)?.replaceAll("\n", " ")).toMatch(says);
  });

  test("an authority that does not know of it is not asked", async () => {
    const { info, path, said } = await ask({ renewalInfo: false });
    expect({ info, said }).toEqual({ info: undefined, said: [] });
    expect(path).toMatch(/^POST \/cert/);
  });

  test("how long its answer holds is bounded", async () => {
    const body = { suggestedWindow: { start: "2026-09-01T00:00:00Z", end: "2026-09-03T00:00:00Z" } };
    const waits = async (header: string) => {
      const { info, before } = await ask(at(/ari/, { body, headers: { "retry-after": header } }));
      return Math.round(((info?.retryAfter.getTime() ?? 0) - before) / 60_000);
    };
    expect([await waits("1"), await waits("9999999"), await waits("soon")]).toEqual([1, 1440, 360]);
  });
});

describe("accounts", () => {
  test("a key of its own for each, with contacts; found again by the key", async () => {
    await using here = await world({
      meta: { termsOfService: "https://ca.example/terms", caaIdentities: ["ca.example"] },
    });
    const { ca, account, fake } = here;
    expect(createPublicKey(account.key).asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
    expect(fake.asked.find(({ path }) => path === "/account")?.payload).toEqual({
      termsOfServiceAgreed: true,
      contact: ["mailto:it@kommune.dk"],
    });
    expect(await ca.findAccount(account.key)).toEqual(account);
    const another = await ca.createAccount({ key: newAccountKey(), contacts: [], termsAgreed: true });
    expect(another.uri).not.toBe(account.uri);
    // A run that was killed had told the authority of the key already.
    expect(await ca.createAccount({ key: account.key, contacts: [], termsAgreed: true })).toEqual(account);
    expect({ terms: ca.terms, caa: ca.caaIdentities }).toEqual({
      terms: "https://ca.example/terms",
      caa: ["ca.example"],
    });
    await using elsewhere = await world();
    expect(await elsewhere.ca.findAccount(account.key)).toBeUndefined();
  });

  test("terms must be agreed to, by somebody", async () => {
    await using fake = await fakeAuthority({ meta: { termsOfService: "https://ca.example/terms" } });
    const { ca } = await open(fake);
    const failed = await failureOf(ca.createAccount({ key: newAccountKey(), contacts: [], termsAgreed: false }));
    expect(failed.explanation.remedy).toBe("Read https://ca.example/terms, and say that you agree.");
    expect(fake.asked.map(({ path }) => path)).toEqual(["/dir"]);
  });

  test("one that is bound to one elsewhere", async () => {
    const external = { "key-1": Buffer.from("a secret of thirty-two bytes ...").toString("base64url") };
    await using fake = await fakeAuthority({ external, meta: { externalAccountRequired: true } });
    const { ca } = await open(fake);
    const missing = await failureOf(ca.createAccount({ key: newAccountKey(), contacts: [], termsAgreed: true }));
    expect(missing.explanation.why).toBe("it takes accounts only that are bound to one elsewhere");
    const eab = { kid: "key-1", hmacKey: external["key-1"] };
    const made = await ca.createAccount({ key: newAccountKey(), contacts: [], termsAgreed: true, eab });
    expect(await ca.findAccount(made.key)).toEqual(made);
    expect(await ca.createAccount({ key: made.key, contacts: [], termsAgreed: true, eab })).toEqual(made);
    const wrong = { kid: "key-1", hmacKey: "d3Jvbmc" };
    const failed = await failureOf(
      ca.createAccount({ key: newAccountKey(), contacts: [], termsAgreed: true, eab: wrong }),
    );
    expect(failed).toMatchObject({
      type: "unauthorized",
      explanation: {
        remedy: `Are key id and HMAC key those that ${new URL(fake.directory).host} gave out, and not used up?`,
      },
    });
    expect(failed.message).not.toContain("d3Jvbmc");
  });

  test("an authority that does not say beforehand that it wants one bound", async () => {
    await using fake = await fakeAuthority({ external: {} });
    const { ca } = await open(fake);
    const failed = await failureOf(ca.createAccount({ key: newAccountKey(), contacts: [], termsAgreed: true }));
    expect(failed.explanation.remedy).toContain("Get a key id and an HMAC key");
  });
});

test("a certificate is revoked, and again without an error", async () => {
  await using here = await world({ authorized: names });
  const { chain } = await here.ca.order(here.account, wanted, here.fake.solver);
  await here.ca.revoke(here.account, chain, "superseded");
  await here.ca.revoke(here.account, chain);
  const revoked = here.fake.asked.filter(({ path }) => path === "/revoke");
  expect(revoked.map(({ payload }) => (payload as { reason: number }).reason)).toEqual([4, 0]);
});

test.each([
  {
    directory: "http://ca.example/dir",
    why: "its directory must be a URL that starts with https:// (RFC 8555, section 6.1)",
  },
  { directory: "letsencrypt", why: "its directory must be a URL that starts with https:// (RFC 8555, section 6.1)" },
])("$directory is no authority", async ({ directory, why }) => {
  const { signal } = new AbortController();
  const failed = await failureOf(openAuthority({ directory }, { signal, say: () => undefined, userAgent: "test/1" }));
  expect(failed.explanation).toEqual({ what: `cannot use the certificate authority ${directory}`, why });
});

test.each([
  { reply: { body: "hello" }, why: "does not have newNonce, newAccount, newOrder" },
  { reply: { body: { newNonce: "x", newOrder: "y" } }, why: "does not have newAccount" },
  { reply: { status: 404, body: "no" }, why: "unknown: answers 404: no" },
])("what is at the URL is no directory: $why", async ({ reply, why }) => {
  await using fake = await fakeAuthority(at(/./, reply));
  const failed = await failureOf(open(fake));
  expect(failed.explanation.why).toContain(why);
});

test("what is cancelled before it begins asks nothing", async () => {
  await using fake = await fakeAuthority();
  await expect(open(fake, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  expect(fake.asked).toEqual([]);
});
