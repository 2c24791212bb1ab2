import { type Answer, TRUNCATED_RESPONSE } from "dns-packet";
import { describe, expect, test } from "vitest";
import { ask, tryToAsk } from "../../../../infra/provider/dns/ask.ts";
import { exchangeWith, NoAnswer } from "../../../../infra/provider/dns/exchange.ts";
import { recordsOf } from "../../../../infra/provider/dns/resource-record.ts";
import { type Behaviour, fakeServer } from "./fake-server.ts";

const exchange = exchangeWith({ patience: 30_000, tries: 1 });
const question = { name: "os2mo.kommune.dk", type: "CNAME" } as const;
const cname: Answer = { name: "OS2mo.Kommune.dk", type: "CNAME", ttl: 300, data: "Target.Example.dk" };

async function askOf(behave: Behaviour, manner: Parameters<typeof ask>[3] = { recursive: false }) {
  await using server = await fakeServer(behave);
  const reply = await tryToAsk(exchange, server, question, manner);
  return { reply, asked: server.asked };
}

test("names come in lower case without the closing dot, with rcode and flags", async () => {
  const { reply } = await askOf(() => [{ authoritative: true, flags: 0x20, answers: [cname] }]);
  expect(reply).toEqual({
    rcode: "NOERROR",
    authoritative: true,
    authenticated: true,
    answers: [{ name: "os2mo.kommune.dk", type: "CNAME", ttl: 300, data: "target.example.dk" }],
    authority: [],
    additional: [],
  });
});

test.each([
  ["A", "192.0.2.1", "192.0.2.1"],
  ["AAAA", "2001:db8::1", "2001:db8::1"],
  ["NS", "NS1.kommune.dk", "ns1.kommune.dk"],
  ["TXT", ["one ", "two"], "one two"],
  [
    "CAA",
    { flags: 128, tag: "Issue", value: "letsencrypt.org" },
    { flags: 128, tag: "issue", value: "letsencrypt.org" },
  ],
  ["MX", { preference: 10, exchange: "Mail.kommune.dk" }, { preference: 10, exchange: "mail.kommune.dk" }],
])("data of %s", async (type, data, read) => {
  const answer = { name: "kommune.dk", type, ttl: 1, data } as Answer;
  const { reply } = await askOf(() => [{ answers: [answer] }]);
  if (reply instanceof NoAnswer) throw reply;
  expect(reply.answers.map((record) => record.data)).toEqual([read]);
});

test("data of SOA, and records by name and type", async () => {
  const soa = {
    mname: "NS1.kommune.dk",
    rname: "Hostmaster.kommune.dk",
    serial: 7,
    refresh: 1,
    retry: 1,
    expire: 1,
    minimum: 1,
  };
  const { reply } = await askOf(() => [{ authorities: [{ name: "kommune.dk", type: "SOA", ttl: 1, data: soa }] }]);
  if (reply instanceof NoAnswer) throw reply;
  const [found] = recordsOf(reply.authority, "SOA", "kommune.dk");
  expect([found?.data.mname, found?.data.rname, found?.data.serial]).toEqual([
    "ns1.kommune.dk",
    "hostmaster.kommune.dk",
    7,
  ]);
  expect(recordsOf(reply.authority, "SOA", "dk")).toEqual([]);
});

test.each([
  [{ recursive: false }, { rd: false, ad: false, cd: false, do: false }],
  [{ recursive: true }, { rd: true, ad: false, cd: false, do: false }],
  [
    { recursive: true, dnssec: true },
    { rd: true, ad: true, cd: false, do: true },
  ],
  [
    { recursive: true, checkingDisabled: true },
    { rd: true, ad: false, cd: true, do: false },
  ],
])("%j sets the flags %j, and 1232 bytes of EDNS", async (manner, flags) => {
  const { asked } = await askOf(() => [{}], manner);
  const [{ packet } = { packet: undefined }] = asked;
  const [edns] = packet?.additionals ?? [];
  if (edns?.type !== "OPT") throw new Error("no EDNS");
  expect({ rd: packet?.flag_rd, ad: packet?.flag_ad, cd: packet?.flag_cd, do: edns.flag_do }).toEqual(flags);
  expect(edns.udpPayloadSize).toBe(1232);
});

test.each([
  [0, "NOERROR"],
  [2, "SERVFAIL"],
  [3, "NXDOMAIN"],
  [5, "REFUSED"],
  [9, "NOTAUTH"],
  [7, "RCODE_7"],
])("rcode %i is %s", async (rcode, name) => {
  const { reply, asked } = await askOf(() => [{ rcode }]);
  expect(reply).toMatchObject({ rcode: name });
  expect(asked.length).toBe(1);
});

describe("a server without EDNS is asked again without it", () => {
  const badVersion: Answer = {
    type: "OPT",
    name: ".",
    udpPayloadSize: 512,
    extendedRcode: 1,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
  test.each([
    ["FORMERR", { rcode: 1 }],
    ["FORMERR, and no question", { rcode: 1, questions: [] }],
    ["NOTIMP", { rcode: 4 }],
    ["BADVERS", { rcode: 0, additionals: [badVersion] }],
  ])("%s", async (_, refusal) => {
    const { reply, asked } = await askOf(({ packet }) => [packet.additionals?.length ? refusal : { answers: [cname] }]);
    expect(reply).toMatchObject({ rcode: "NOERROR", answers: [{ data: "target.example.dk" }] });
    expect(asked.map(({ packet }) => packet.additionals?.length)).toEqual([1, 0]);
    expect(asked[0]?.packet.id).not.toBe(undefined);
  });

  test("and what it answers then counts", async () => {
    const { reply } = await askOf(() => [{ rcode: 1 }]);
    expect(reply).toMatchObject({ rcode: "FORMERR" });
  });
});

describe("an answer too long for UDP", () => {
  test("is fetched by TCP", async () => {
    const { reply, asked } = await askOf(({ protocol }) =>
      protocol === "udp" ? [{ flags: TRUNCATED_RESPONSE }] : [{ answers: [cname] }],
    );
    expect(reply).toMatchObject({ answers: [{ data: "target.example.dk" }] });
    expect(asked.map(({ protocol }) => protocol)).toEqual(["udp", "tcp"]);
  });

  test("without TCP there is no answer", async () => {
    await using server = await fakeServer(() => [{ flags: TRUNCATED_RESPONSE }]);
    const noTcp: typeof exchange = (to, query, protocol) =>
      protocol === "udp" ? exchange(to, query, protocol) : Promise.reject(new NoAnswer("refused", "no TCP"));
    await expect(ask(noTcp, server, question, { recursive: false })).rejects.toThrow("no TCP");
  });
});

describe("what is no answer to the question", () => {
  const reply = { questions: [{ name: "another.kommune.dk", type: "CNAME" as const }] };
  test.each([
    ["another name", () => [reply], "sent an answer to another question"],
    [
      "another type",
      () => [{ questions: [{ ...question, type: "A" as const }] }],
      "sent an answer to another question",
    ],
    ["no question", () => [{ questions: [] }], "sent an answer to another question"],
    [
      "what cannot be read",
      ({ packet: { id = 0 } }) => [Buffer.from([id >> 8, id & 255, 0x80, 0, 0, 1, 0, 9, 0, 0, 0, 0, 63])],
      "sent what cannot be read",
    ],
  ] satisfies [string, Behaviour, string][])("%s", async (_, behave, said) => {
    const { reply } = await askOf(behave);
    if (!(reply instanceof NoAnswer)) throw new Error("an answer");
    expect([reply.why, reply.message]).toEqual(["silent", expect.stringContaining(said)]);
  });

  test("an id that is not ours, from an exchange that does not look", async () => {
    const blind: typeof exchange = async (server, query, protocol) => {
      const reply = Buffer.from(await exchange(server, query, protocol));
      reply.writeUInt16BE((reply.readUInt16BE() + 1) % 0x10000);
      return reply;
    };
    await using server = await fakeServer(() => [{}]);
    await expect(ask(blind, server, question, { recursive: false })).rejects.toThrow("an answer to another question");
  });

  test("the question may come back in other letters, and be left out of a refusal", async () => {
    const { reply: shouted } = await askOf(() => [{ questions: [{ ...question, name: "OS2MO.KOMMUNE.DK" }] }]);
    expect(shouted).toMatchObject({ rcode: "NOERROR" });
    const { reply: refused } = await askOf(() => [{ rcode: 5, questions: [] }]);
    expect(refused).toMatchObject({ rcode: "REFUSED" });
  });
});

test("an error that is no silence is thrown", async () => {
  const broken = () => Promise.reject(new TypeError("a mistake of ours"));
  await expect(tryToAsk(broken, { address: "127.0.0.1", port: 53 }, question, { recursive: true })).rejects.toThrow(
    TypeError,
  );
});
