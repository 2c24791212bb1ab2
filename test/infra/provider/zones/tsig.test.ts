import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NoAnswer } from "../../../../infra/provider/dns/exchange.ts";
import { sign, signing, TsigRefused, verify } from "../../../../infra/provider/zones/tsig.ts";
import { lastRecord } from "../../../../infra/provider/zones/wire.ts";
import type { KeySettings } from "../../../../infra/provider/zones/zone.ts";
import { fixture } from "../checked.ts";

// Requests of nsupdate and dig, and what BIND 9.18 answered: each key known to both, and the moment when it was.

const secret = "b3MybW8gdGVzdCBrZXkgb2YgMzIgYnl0ZXMuLi4uLi4=";
const records: KeySettings = { name: "Os2mo.Records", algorithm: "hmac-sha256", secret };
const long: KeySettings = { name: "long", algorithm: "hmac-sha512", secret };
const moment = 0x6b0ac5a7;
const server = { address: "192.0.2.1", port: 53 };

const exchanged = JSON.parse(fixture("bind-debian-12/tsig.json")) as Record<string, { query: string; answer: string }>;
const bytes = (name: string, which: "query" | "answer") => Buffer.from(exchanged[name]?.[which] ?? "", "hex");

/** A request without its signature, and the code of the signature. */
function unsigned(name: string, macLength = 32): { message: Buffer; mac: Buffer } {
  const query = bytes(name, "query");
  const message = Buffer.from(query.subarray(0, lastRecord(query)?.at));
  message.writeUInt16BE(0, 10);
  // After the code come the id, the error and the length of nothing.
  return { message, mac: query.subarray(query.length - 6 - macLength, query.length - 6) };
}

const thrown = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

describe("signing (RFC 8945)", () => {
  test.each([
    ["prerequisite and add", records],
    ["remove one value", records],
    ["replace addresses", records],
    ["question", records],
    ["sha512", long],
    ["refused", long],
  ])("%s: byte for byte what BIND's tools send", (name, key) => {
    const { message } = unsigned(name, key === long ? 64 : 32);
    expect(sign(message, key, moment).message.toString("hex")).toBe(exchanged[name]?.query);
  });
});

describe("verifying", () => {
  test.each([
    ["prerequisite and add", records, 0],
    ["question", records, 0],
    ["sha512", long, 0],
    ["refused", long, 5],
    ["YXRRSET", records, 7],
  ])("%s: BIND's answer is accepted, and handed on without its signature", (name, key, rcode) => {
    const { mac } = unsigned(name, key === long ? 64 : 32);
    const answer = bytes(name, "answer");
    const bare = verify(answer, key, mac, moment);
    const at = lastRecord(answer)?.at ?? 0;
    expect([bare.length, (bare[3] ?? 0) & 15, bare.readUInt16BE(10)]).toEqual([at, rcode, answer.readUInt16BE(10) - 1]);
    expect(bare.subarray(12).equals(answer.subarray(12, at))).toBe(true);
  });

  test.each([
    ["BADKEY", { ...records, name: "nobody" }, undefined],
    ["BADSIG", records, undefined],
    // The client's clock was 8,100 s behind when this was recorded.
    ["BADTIME", records, 8100],
  ] as const)("%s is told from everything else", (problem, key, ahead) => {
    const { mac } = unsigned(problem);
    const seconds = problem === "BADTIME" ? 0x6b0aa620 + 4 : moment;
    const error = thrown(() => verify(bytes(problem, "answer"), key, mac, seconds));
    expect(error).toMatchObject({ problem, ahead: ahead && 0x6b0ac5c4 - seconds });
    expect(error).toBeInstanceOf(TsigRefused);
    expect(ahead ?? 8100).toBe(8100);
  });

  test.each([
    ["another secret", { ...records, secret: `c${secret.slice(1)}` }, moment, "forged"],
    ["another key", { ...records, name: "other" }, moment, "forged"],
    ["another algorithm", { ...records, algorithm: "hmac-sha512" }, moment, "forged"],
    ["an hour later: somebody plays it again", records, moment + 3600, "stale"],
  ] as const)("%s: not accepted", (_, key, seconds, problem) => {
    const { mac } = unsigned("question");
    expect(thrown(() => verify(bytes("question", "answer"), key, mac, seconds))).toMatchObject({ problem });
  });

  test("the answer to another request is not accepted", () => {
    const { mac } = unsigned("remove one value");
    const error = thrown(() => verify(bytes("prerequisite and add", "answer"), records, mac, moment));
    expect(error).toMatchObject({ problem: "forged" });
  });

  test("no bit of an answer can be changed, but for the id, which a forwarder may change, and the case of the key's names", () => {
    const answer = bytes("question", "answer");
    const { mac } = unsigned("question");
    const at = lastRecord(answer)?.at ?? 0;
    const isCase = (bit: number) => (bit & 7) === 5 && bit >> 3 >= at && bit >> 3 < at + 40;
    fc.assert(
      fc.property(
        fc.integer({ min: 16, max: answer.length * 8 - 1 }).filter((bit) => !isCase(bit)),
        (bit) => {
          const changed = Buffer.from(answer);
          changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          const error = thrown(() => verify(changed, records, mac, moment));
          expect(error instanceof TsigRefused || error instanceof RangeError).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("without a signature an answer is nobody's, and an error is an error", () => {
    const { mac } = unsigned("question");
    const { message } = unsigned("prerequisite and add");
    const withCode = (rcode: number) => {
      const answer = Buffer.from(message);
      answer.writeUInt8(rcode, 3);
      return answer;
    };
    expect(verify(withCode(2), records, mac, moment)).toEqual(withCode(2));
    for (const rcode of [0, 3]) {
      expect(thrown(() => verify(withCode(rcode), records, mac, moment))).toMatchObject({ problem: "unsigned" });
    }
  });
});

describe("an exchange that signs", () => {
  test("what ends too soon, or points forward, is as good as silence", async () => {
    const answer = bytes("question", "answer");
    const { message } = unsigned("question");
    const ends = Array.from({ length: 40 }, (_, index) => answer.subarray(0, 4 + index * 4));
    const forward = Buffer.from(answer);
    forward.writeUInt16BE(0xc0ff, lastRecord(answer)?.at ?? 0);
    for (const cut of [...ends, forward]) {
      const exchange = signing(
        async () => cut,
        records,
        () => moment,
      );
      const error = await exchange(server, message, "udp").catch((refused: unknown) => refused);
      expect(error instanceof NoAnswer || error instanceof TsigRefused).toBe(true);
    }
  });

  test("what cannot be sent is told as it is", async () => {
    const silent = new NoAnswer("refused", "192.0.2.1 port 53/tcp refused: nobody listens there");
    const exchange = signing(() => Promise.reject(silent), records);
    await expect(exchange(server, unsigned("question").message, "tcp")).rejects.toBe(silent);
  });
});
