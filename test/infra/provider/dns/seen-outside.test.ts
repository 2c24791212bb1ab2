import type { Answer } from "dns-packet";
import { expect, test } from "vitest";
import { exchangeWith } from "../../../../infra/provider/dns/exchange.ts";
import { waitOutside } from "../../../../infra/provider/dns/seen-outside.ts";
import { fakeServer } from "./fake-server.ts";

const exchange = exchangeWith({ patience: 100, tries: 1 });
const asked = { name: "_acme-challenge.os2mo.kommune.dk", value: "new" };
const answers = (data: string): Answer[] => [
  { name: asked.name, type: "CNAME", ttl: 1, data: "x.vendor.dk" },
  { name: "x.vendor.dk", type: "TXT", ttl: 1, data },
];

test("DNS-5: a resolver that remembers an old answer is waited for", async () => {
  let questions = 0;
  await using server = await fakeServer(() => {
    questions += 1;
    return [questions < 3 ? { answers: answers("old") } : { answers: answers("new") }];
  });
  expect(await waitOutside(exchange, [server], asked, { seconds: 30, pause: 5 })).toEqual([]);
  expect(questions).toBe(3);
});

test("one that never shows it is named; one that does not answer is left alone", async () => {
  await using old = await fakeServer(() => [{ rcode: 3 }]);
  await using silent = await fakeServer(() => []);
  expect(await waitOutside(exchange, [old, silent], asked, { seconds: 0.05, pause: 10 })).toEqual([old.address]);
});
