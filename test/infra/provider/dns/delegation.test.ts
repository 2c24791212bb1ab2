import { expect, test } from "vitest";
import { delegation } from "../../../../infra/provider/dns/delegation.ts";
import { exchangeWith } from "../../../../infra/provider/dns/exchange.ts";
import { fakeServer } from "./fake-server.ts";

const exchange = exchangeWith({ patience: 200, tries: 1 });
const name = "_acme-challenge.os2mo.kommune.dk";
const zone = "os2mo-on-prem.vendor.dk";
const target = `${name}.${zone}`;

/** A resolver that knows some CNAMEs, and notes what it was asked. */
const resolver = (records: Record<string, string>) =>
  fakeServer(({ question }) => {
    const data = records[question.name];
    if (data === undefined) return [{ rcode: 3 }];
    return [{ answers: [{ name: question.name, type: "CNAME", ttl: 1, data }] }];
  });

test("DNS-5: the CNAME is followed to the zone that we write to, and no name in that zone is asked for", async () => {
  await using server = await resolver({ [name]: "x.kommune.dk", "x.kommune.dk": target });
  expect(await delegation(exchange, [server], name, zone)).toEqual([name, "x.kommune.dk", target]);
  expect(server.asked.map(({ question }) => question.name)).toEqual([name, "x.kommune.dk"]);
});

test("a name in the zone that we write to needs no record, and is not asked for", async () => {
  await using server = await resolver({});
  expect(await delegation(exchange, [server], target, zone)).toEqual([target]);
  expect(server.asked).toEqual([]);
});

test.each([
  ["no record", {}, "there is no CNAME, and the zone that we write to is os2mo-on-prem.vendor.dk"],
  ["one that leads elsewhere", { [name]: "y.other.dk" }, "its CNAMEs end at y.other.dk"],
  ["a circle", { [name]: "a.dk", "a.dk": name }, "its CNAMEs lead in a circle"],
  [
    "a chain without end",
    Object.fromEntries([[name, "n0.dk"], ...Array.from({ length: 12 }, (_, n) => [`n${n}.dk`, `n${n + 1}.dk`])]),
    "its CNAMEs do not end",
  ],
])("%s: nothing is written, and the error says what to do", async (_, records, why) => {
  await using server = await resolver(records as Record<string, string>);
  const error = await delegation(exchange, [server], name, zone).catch((error) => error);
  expect(error.message).toContain(why);
  expect(error.message).toContain("npm run verify -- dns");
});

test("a resolver that does not answer, or answers with an error, is passed over; where none tells, that is said", async () => {
  await using broken = await fakeServer(() => [{ rcode: 2 }]);
  await using silent = await fakeServer(() => []);
  await using good = await resolver({ [name]: target });
  expect(await delegation(exchange, [silent, broken, good], name, zone)).toEqual([name, target]);
  await expect(delegation(exchange, [broken], name, zone)).rejects.toThrow("says SERVFAIL");
  await expect(delegation(exchange, [], name, zone)).rejects.toThrow("none is known");
});
