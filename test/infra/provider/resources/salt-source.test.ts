import { expect, it } from "vitest";
import { knocksOf, saltSource, sourcesOf, waitScript } from "../../../../infra/provider/resources/salt-source.ts";
import { knockOf } from "../../../../infra/provider/salt-values.ts";
import { FakeHost } from "../fake-host.ts";

const name = "os2mo.kommune.dk";
const [first, second] = knockOf(name);

const set = (...elements: unknown[]) =>
  JSON.stringify({
    nftables: [{ metainfo: { version: "1.0.6" } }, { set: { family: "inet", name: "seen_v4", elem: elements } }],
  });
const knock = (address: string, size: number, port: number) => ({
  elem: { val: { concat: [address, size, port] }, timeout: 86400, expires: 100 },
});

it("NET-3: an address that has knocked at both ports with this name's sizes is the server's", () => {
  const noted = knocksOf(
    set(
      knock("198.18.0.193", first, 4505),
      knock("198.18.0.193", second, 4506),
      knock("198.18.0.9", first, 4505),
      knock("198.18.0.8", second, 4505),
      knock("198.18.0.8", first, 4506),
      knock("198.18.0.7", 1460, 4505),
    ),
  );
  expect(noted).toHaveLength(6);
  expect(sourcesOf(noted, name)).toEqual(["198.18.0.193"]);
});

it("looks in the sets of both families, and finds nothing where there is no set", async () => {
  const want = { minionId: name, table: "inet salt_gate", sets: ["seen_v4", "seen_v6"] };
  const host = new FakeHost({
    looks: {
      "nft -j list set inet salt_gate seen_v4": set(
        knock("198.18.0.193", first, 4505),
        knock("198.18.0.193", second, 4506),
      ),
      "nft -j list set inet salt_gate seen_v6": { code: 1, stderr: "Error: No such file or directory" },
    },
  });
  const seen = await saltSource.observe(host, want);
  expect(seen).toEqual({ ...want, addresses: ["198.18.0.193"] });
  expect(saltSource.plan(want, seen)).toEqual([]);
  expect(saltSource.plan(want, { ...want, addresses: [] }).map(({ title }) => title)).toEqual([
    `wait for a knock of ${name}`,
  ]);
});

it("waits a moment for a knock of the same refresh, before it says that there is none", async () => {
  const want = { minionId: name, table: "inet salt_gate", sets: ["seen_v4"] };
  const wait = ["sh", "-c", waitScript, "sh", "4", "inet salt_gate", `${first} . 4505`, `${second} . 4506`, "seen_v4"];
  const host = new FakeHost({
    looks: {
      "nft -j list set inet salt_gate seen_v4": set(),
      [wait.join(" ")]: { code: 3, stderr: "nothing of this server has arrived" },
    },
  });
  expect(await saltSource.observe(host, want)).toEqual({ ...want, addresses: [] });
});

it("reads an empty set", () => {
  expect([knocksOf(""), knocksOf(JSON.stringify({ nftables: [{ set: { name: "seen_v4" } }] }))]).toEqual([[], []]);
});
