import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { encode } from "dns-packet";
import { describe, expect, test } from "vitest";
import { type Exchange, exchangeWith, type NameServer, NoAnswer } from "../../../../infra/provider/dns/exchange.ts";
import { fakeServer } from "./fake-server.ts";

const patient = exchangeWith({ patience: 30_000, tries: 1 });
const impatient = exchangeWith({ patience: 20, tries: 2 });
const query = encode({ type: "query", id: 4711, questions: [{ name: "os2mo.kommune.dk", type: "CNAME" }] });

async function failure(exchange: Exchange, server: NameServer, protocol: "udp" | "tcp") {
  const error = await exchange(server, query, protocol).catch((error: unknown) => error);
  if (!(error instanceof NoAnswer)) throw error;
  return [error.why, error.message];
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

const hasV6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === "::1"));

describe("an answer comes back", () => {
  test.for([
    ["udp", "127.0.0.1"],
    ["tcp", "127.0.0.1"],
    ["udp", "::1"],
    ["tcp", "::1"],
  ] as const)("by %s from %s", async ([protocol, address], { skip }) => {
    if (address === "::1" && !hasV6) skip("no IPv6 here");
    await using server = await fakeServer(() => [{}], address);
    const reply = await patient(server, query, protocol);
    expect([...reply.subarray(0, 2)]).toEqual([...query.subarray(0, 2)]);
    expect(server.asked.map((asked) => asked.protocol)).toEqual([protocol]);
  });

  test("to the second query, when the first is lost", async () => {
    let come = 0;
    await using server = await fakeServer(() => (++come === 1 ? [] : [{}]));
    const reply = await exchangeWith({ patience: 50, tries: 1000 })(server, query, "udp");
    expect(reply.length).toBe(query.length);
    expect(come).toBeGreaterThan(1);
  });

  test("after packets with another id, queries and scraps, which are ignored", async () => {
    await using server = await fakeServer(() => [{ id: 4712 }, query, Buffer.from([1, 2, 3]), {}]);
    const reply = await patient(server, query, "udp");
    expect([reply[0], reply[1], reply[2]]).toEqual([query[0], query[1], 0x80]);
  });
});

describe("no answer", () => {
  test.each(["udp", "tcp"] as const)("silence by %s", async (protocol) => {
    await using server = await fakeServer(() => []);
    expect(await failure(impatient, server, protocol)).toEqual([
      "silent",
      `127.0.0.1 port ${server.port}/${protocol} sent no answer`,
    ]);
  });

  test("forged ids alone are silence", async () => {
    await using server = await fakeServer(() => [{ id: 4712 }]);
    expect((await failure(impatient, server, "udp"))[0]).toBe("silent");
  });

  test.each(["udp", "tcp"] as const)("a closed port refuses by %s, at once", async (protocol) => {
    const server = { address: "127.0.0.1", port: await closedPort() };
    expect(await failure(patient, server, protocol)).toEqual([
      "refused",
      `127.0.0.1 port ${server.port}/${protocol} refused: nobody listens there`,
    ]);
  });

  test("a connection that is closed without an answer is silence, at once", async () => {
    const server = createServer((socket) => socket.on("data", () => socket.end(Buffer.from([0, 40, 1])))).listen(
      0,
      "127.0.0.1",
    );
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    expect((await failure(patient, { address: "127.0.0.1", port }, "tcp"))[0]).toBe("silent");
    server.close();
  });

  test("where the system does not let the packet out there is no route", async () => {
    // Broadcast needs a permission that no socket of ours has, so nothing is sent.
    expect(await failure(patient, { address: "255.255.255.255", port: 53 }, "udp")).toEqual([
      "no route",
      "255.255.255.255 port 53/udp could not be reached from here",
    ]);
  });
});
