import { expect, test } from "vitest";
import { type Change, encodeUpdate } from "../../../../infra/provider/zones/update.ts";
import { lastRecord, nameBytes, textData } from "../../../../infra/provider/zones/wire.ts";
import { fixture } from "../checked.ts";

const exchanged = JSON.parse(fixture("bind-debian-12/tsig.json")) as Record<string, { query: string }>;
const challenge = "_acme-challenge.a.zone.test";

/** What nsupdate sent, with its pointers written out and without its signature. */
function sent(name: string, owner: string): string {
  const query = Buffer.from(exchanged[name]?.query ?? "", "hex");
  const message = Buffer.from(query.subarray(0, lastRecord(query)?.at));
  message.writeUInt16BE(0, 10);
  const zone = nameBytes("zone.test").toString("hex");
  return message.toString("hex").replaceAll("c01b", nameBytes(owner).toString("hex")).replaceAll("c00c", zone);
}

test.each<[string, string, Change[]]>([
  [
    "prerequisite and add",
    challenge,
    [
      { do: "require none", type: "CNAME" },
      { do: "add", type: "TXT", ttl: 60, data: "first value" },
    ],
  ],
  ["remove one value", challenge, [{ do: "remove", type: "TXT", data: "first value" }]],
  [
    "replace addresses",
    "h.zone.test",
    [
      { do: "require none", type: "CNAME" },
      { do: "remove all", type: "A" },
      { do: "remove all", type: "AAAA" },
      { do: "add", type: "A", ttl: 300, data: "10.1.2.3" },
      { do: "add", type: "AAAA", ttl: 300, data: "fd00::3" },
    ],
  ],
])("%s: what nsupdate sends", (name, owner, changes) => {
  const id = Number.parseInt(exchanged[name]?.query.slice(0, 4) ?? "", 16);
  expect(encodeUpdate(id, "zone.test", owner, changes).toString("hex")).toBe(sent(name, owner));
});

test("a long text goes in pieces of 255 bytes, an empty one in one, and letters of more bytes than one are counted in bytes", () => {
  const lengths = (value: string) => {
    const data = textData(value);
    const found: number[] = [];
    for (let at = 0; at < data.length; at += 1 + (data[at] ?? 0)) found.push(data[at] ?? 0);
    return found;
  };
  expect([lengths(""), lengths("x"), lengths("x".repeat(600)), lengths("å".repeat(128))]).toEqual([
    [0],
    [1],
    [255, 255, 90],
    [255, 1],
  ]);
});
