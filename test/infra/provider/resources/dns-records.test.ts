import { describe, expect, it } from "vitest";
import { type DnsRecordsSeen, dnsRecords } from "../../../../infra/provider/resources/dns-records.ts";
import { checked } from "../checked.ts";

const [owner, target] = ["os2mo.kommune.dk", "os2mo.kommune.dk.os2mo-on-prem.magentahosted.dk"];
const want = checked(dnsRecords, { records: { [owner]: target } }) as Parameters<typeof dnsRecords.plan>[0];
const right: DnsRecordsSeen = {
  records: { [owner]: target },
  wrong: [],
  notes: ["ns2 sends no answer\nAsk who runs it."],
  forbids: [],
};
const missing: DnsRecordsSeen = {
  records: { [owner]: "missing" },
  wrong: ["nobody has it\nCreate it."],
  notes: [],
  forbids: ["nobody has it\nCreate it."],
};

describe("check", () => {
  it.each([
    [{ records: { "Os2mo.kommune.dk": target } }, "records"],
    [{ records: { [owner]: `${target}.` } }, "records"],
    [{ records: { [owner]: "one" } }, "records"],
    [{ records: { [owner]: target }, resolvers: ["dns.kommune.dk"] }, "resolvers"],
  ])("%j", (given, property) => {
    const found = checked(dnsRecords, given) as unknown as { property: string }[];
    expect(found.map((problem) => problem.property.replace(/[[.].*/, ""))).toEqual([property]);
  });
});

it("DNS-3: an id names the records, for an import", () => {
  const id = dnsRecords.id?.(want) ?? "";
  expect(id).toBe(`${owner}=${target}`);
  expect(dnsRecords.named(id)).toEqual({ records: { [owner]: target } });
  expect([dnsRecords.named("nonsense"), dnsRecords.named("")]).toEqual([undefined, undefined]);
});

it("changes nothing, whatever is there", () => {
  expect([dnsRecords.plan(want, missing), dnsRecords.plan(want, undefined), dnsRecords.remove(missing)]).toEqual([
    [],
    [],
    [],
  ]);
});

it("warns of what is wrong and of what should be known, and stops a run only where it is asked to", () => {
  expect([dnsRecords.warn?.(want, right), dnsRecords.warn?.(want, missing)]).toEqual([right.notes, missing.wrong]);
  expect(dnsRecords.refuse?.(want, missing, true)).toBeUndefined();
  expect(dnsRecords.refuse?.({ ...want, require: true }, missing, true)?.why).toBe(missing.wrong[0]);
  expect(dnsRecords.refuse?.({ ...want, require: true }, right, true)).toBeUndefined();
});
