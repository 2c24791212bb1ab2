import { expect, test } from "vitest";
import { askingHolders } from "../../../../infra/provider/dns/ask-holders.ts";
import { NoAnswer } from "../../../../infra/provider/dns/exchange.ts";
import { recordsOf } from "../../../../infra/provider/dns/resource-record.ts";
import { caa, cname, holderOf, worldOf } from "./fake-world.ts";

const [customer, vendor] = ["kommune.dk", "vendor.dk"];
const records = [cname("os2mo.kommune.dk", "x.kommune.dk"), cname("x.kommune.dk", "os2mo.vendor.dk")];
const question = { name: "os2mo.kommune.dk", type: "CAA" } as const;
const holding = {
  "192.0.2.1": holderOf(customer, records),
  "192.0.2.7": holderOf(vendor, [caa("os2mo.vendor.dk", "issue", "ca.dk")]),
};

/** Asks with those who hold each zone at the given addresses. */
async function asking(servers: Parameters<typeof worldOf>[0], ofCustomer = ["192.0.2.1"], ofVendor = ["192.0.2.7"]) {
  await using world = await worldOf(servers);
  const ask = askingHolders(world.exchange, async (name) =>
    (name.endsWith(vendor) ? ofVendor : ofCustomer).map((address) => ({ address, port: 53 })),
  );
  const [reply, again] = [await ask(question), await ask(question)];
  expect(again).toEqual(reply);
  return { reply, asked: world.asked };
}

test("CNAMEs are followed from zone to zone, each name asked for once, and without recursion", async () => {
  const { reply, asked } = await asking(holding);
  expect(reply instanceof NoAnswer ? reply : recordsOf(reply.answers, "CAA").map(({ data }) => data)).toEqual([
    { flags: 0, tag: "issue", value: "ca.dk" },
  ]);
  expect(asked).toEqual([
    "192.0.2.1 os2mo.kommune.dk CAA",
    "192.0.2.1 x.kommune.dk CAA",
    "192.0.2.7 os2mo.vendor.dk CAA",
  ]);
});

test("one that keeps silent, or does not hold the zone, is passed over", async () => {
  const servers = { ...holding, "192.0.2.2": "silent" as const, "192.0.2.3": () => [{ rcode: 5 }] };
  const { reply } = await asking(servers, ["192.0.2.2", "192.0.2.3", "192.0.2.1"]);
  expect(reply).toMatchObject({ rcode: "NOERROR" });
});

test("an error counts where nobody that holds the zone has more to say; a refusal, or silence, is no answer", async () => {
  const servers = {
    "192.0.2.2": "silent" as const,
    "192.0.2.3": () => [{ rcode: 5 }],
    "192.0.2.4": () => [{ rcode: 2 }],
  };
  expect((await asking(servers, ["192.0.2.2", "192.0.2.3", "192.0.2.4"])).reply).toMatchObject({ rcode: "SERVFAIL" });
  expect((await asking(servers, ["192.0.2.2", "192.0.2.3"])).reply).toBeInstanceOf(NoAnswer);
  expect((await asking(servers, [])).reply).toBeInstanceOf(NoAnswer);
});

test("a circle ends", async () => {
  const circle = holderOf(customer, [
    cname("os2mo.kommune.dk", "x.kommune.dk"),
    cname("x.kommune.dk", "os2mo.kommune.dk"),
  ]);
  expect((await asking({ "192.0.2.1": circle })).reply).toMatchObject({ rcode: "NOERROR" });
});
