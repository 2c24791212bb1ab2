import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type Answer, TRUNCATED_RESPONSE } from "dns-packet";
import { describe, expect, test } from "vitest";
import { ask, tryToAsk } from "../../../../infra/provider/dns/ask.ts";
import { NoAnswer } from "../../../../infra/provider/dns/exchange.ts";
import { exchangeFromHost, readResolvConf } from "../../../../infra/provider/dns/exchange-from-host.ts";
import { fakeServer } from "./fake-server.ts";

// The relay runs for real, on this machine in place of a host.
const host = {
  name: "os2mo.kommune.dk",
  look: async ([program = "", ...words]: readonly string[]) => {
    const { stdout } = await promisify(execFile)(program, words);
    return { stdout, stderr: "", code: 0 };
  },
};
const exchange = exchangeFromHost(host as never);
const question = { name: "os2mo.kommune.dk", type: "TXT" } as const;
const texts: Answer[] = Array.from({ length: 40 }, (_, index) => ({
  name: question.name,
  type: "TXT",
  ttl: 1,
  data: `${index} ${"x".repeat(200)}`,
}));

describe.each(["127.0.0.1", "::1"])("from a host, at %s", (address) => {
  test("an answer by UDP, and one that is too long for it by TCP, come as from here", async () => {
    await using server = await fakeServer(
      ({ protocol }) => [protocol === "udp" ? { flags: TRUNCATED_RESPONSE } : { answers: texts }],
      address,
    );
    const reply = await ask(exchange, server, question, { recursive: true });
    expect(reply.answers).toHaveLength(40);
    expect(server.asked.map(({ protocol }) => protocol)).toEqual(["udp", "tcp"]);
  });

  test("a port where nobody listens says so", async () => {
    const server = await fakeServer(() => [], address);
    await server[Symbol.asyncDispose]();
    const failed = await tryToAsk(exchange, server, question, { recursive: true });
    expect([failed instanceof NoAnswer, (failed as NoAnswer).why]).toEqual([true, "refused"]);
    expect((failed as NoAnswer).message).toContain("asked by os2mo.kommune.dk");
  });
});

test("silence is told after both attempts, and an answer of another's is not taken for ours", async () => {
  await using server = await fakeServer(() => [{ id: 1 }]);
  const failed = await tryToAsk(exchange, server, question, { recursive: true });
  expect((failed as NoAnswer).why).toBe("silent");
  expect(server.asked).toHaveLength(2);
}, 30_000);

test("resolv.conf(5): three name servers at most, each once, of both families", () => {
  const text =
    "# nameserver 9.9.9.9\nsearch kommune.dk\nnameserver 10.0.0.53\nnameserver fd00::53%eth0\n nameserver 10.0.0.53\nnameserver 10.0.0.54\nnameserver 10.0.0.55\n";
  expect(readResolvConf(text)).toEqual(
    ["10.0.0.53", "fd00::53", "10.0.0.54"].map((address) => ({ address, port: 53 })),
  );
});
