import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { createSecureContext, createServer as createTlsServer } from "node:tls";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Chains, lookFromOutside, type Sight } from "../../../../infra/provider/acme/outside.ts";
import { type Issuer, inDays, issuer, leaf, privatePem } from "./certificates.ts";

// DNS-2: what visitors are shown, asked of real servers.

const name = "os2mo.kommune.dk";
let [authority, stranger]: Issuer[] = [];
let [wanted, old]: Issuer[] = [];
let chains: Chains;
beforeAll(async () => {
  authority = await issuer("CA");
  stranger = await issuer("Proxy");
  wanted = await leaf(authority, { names: [name], serial: "02" });
  old = await leaf(authority, { names: [name] });
  chains = { wanted: wanted.pem + authority.pem, old: old.pem + authority.pem };
});

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function listening(server: Server): Promise<number> {
  open.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

/** A server that shows a certificate to those who ask for the name, and to nobody else. */
async function showing(shown: () => Issuer | undefined): Promise<number> {
  const server = createTlsServer({
    SNICallback: (asked, callback) => {
      const one = asked === name ? shown() : undefined;
      if (one === undefined) return callback(new Error("nobody asks for that"));
      privatePem(one.keys).then((key) => callback(null, createSecureContext({ key, cert: one.pem })), callback);
    },
  });
  return listening(server.on("tlsClientError", () => undefined));
}

const quick = { seconds: 1, pause: 50 };
const look = (port: number, signal = new AbortController().signal, patience = quick) =>
  lookFromOutside({ address: "127.0.0.1", port, name }, chains, patience, signal);

/** What is told of what was seen, without the certificate. */
const told = ({ certificate: _, ...sight }: Sight & { certificate?: unknown }) => sight;

test("the wanted certificate is seen, by the name that visitors ask for", async () => {
  expect(await look(await showing(() => wanted))).toEqual({ seen: "wanted" });
});

test("a web server that needs a moment is given one", async () => {
  let asked = 0;
  const port = await showing(() => {
    asked += 1;
    return asked < 3 ? old : wanted;
  });
  expect(await look(port, undefined, { seconds: 10, pause: 20 })).toEqual({ seen: "wanted" });
  expect(asked).toBe(3);
});

describe("another one", () => {
  const cases: [string, () => Promise<Issuer | undefined>, object][] = [
    ["the old one, which is good", async () => old, { old: true, flaw: undefined }],
    ["one of the same authority", () => leaf(of(authority), { names: [name] }), { old: false, flaw: undefined }],
    [
      "for another name",
      () => leaf(of(authority), { names: ["other.dk"] }),
      { old: false, flaw: "ERR_TLS_CERT_ALTNAME_INVALID" },
    ],
    [
      "one that has expired",
      () => leaf(of(authority), { names: [name], notAfter: inDays(-0.5) }),
      { old: false, flaw: "CERT_HAS_EXPIRED" },
    ],
    [
      "one that somebody on the way has made up for the name",
      () => leaf(of(stranger), { names: [name] }),
      { old: false, flaw: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY" },
    ],
    [
      "one that is signed by itself",
      () => issuer(name),
      { old: false, flaw: expect.stringMatching(/SELF_SIGNED|ALTNAME/) },
    ],
  ];
  test.each(cases)("%s", async (_, make, expected) => {
    const shown = await make();
    expect(told(await look(await showing(() => shown)))).toEqual({ seen: "another", ...expected });
  });

  const of = (one: Issuer | undefined) => one as Issuer;
});

describe("no handshake", () => {
  test("nobody listens", async () => {
    const server = createServer();
    const port = await listening(server);
    server.close();
    const why = `connect ECONNREFUSED 127.0.0.1:${port}`;
    expect(await look(port)).toEqual({ seen: "nothing", answered: false, why });
  });

  test.each([
    [
      "speaks no TLS",
      createServer((socket) => socket.end("HTTP/1.1 400\r\n\r\n")),
      /wrong version number|packet length/,
    ],
    ["hangs up", createServer((socket) => socket.destroy()), /disconnected|closed|ECONNRESET/],
    ["says nothing", createServer(), /no answer within 1 s/],
  ])("a server that %s", async (_, server, why) => {
    const port = await listening(server.on("connection", (socket) => socket.on("error", () => undefined)));
    expect(await look(port)).toEqual({ seen: "nothing", answered: true, why: expect.stringMatching(why) });
  });

  test("nobody shows a certificate for the name", async () => {
    const sight = await look(await showing(() => undefined));
    expect(sight).toMatchObject({ seen: "nothing", answered: true });
  });

  test("a name that nobody knows", async () => {
    const place = { address: "prod.invalid", port: 443, name };
    const sight = await lookFromOutside(place, chains, quick, new AbortController().signal);
    expect(sight).toMatchObject({ seen: "nothing", answered: false });
  });
});

test("told to stop, it ends at once", async () => {
  const port = await listening(createServer());
  const stop = new AbortController();
  const began = performance.now();
  const looking = look(port, stop.signal, { seconds: 60, pause: 20 });
  setTimeout(() => stop.abort(new Error("stopped")), 50);
  await expect(looking).rejects.toThrow("stopped");
  await expect(look(port, stop.signal)).rejects.toThrow("stopped");
  expect(performance.now() - began).toBeLessThan(4000);
});
