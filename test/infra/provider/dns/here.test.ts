import { expect, test } from "vitest";
import { familiesHere, resolversOutside } from "../../../../infra/provider/dns/here.ts";

test("resolvers that are given count alone, else those of this machine, with a port of their own where they have one", () => {
  expect(resolversOutside(["9.9.9.9"], ["10.0.0.53"])).toEqual([{ address: "9.9.9.9", port: 53 }]);
  expect(resolversOutside([], ["10.0.0.53", "fd00::53", "127.0.0.1:5353", "[::1]:5353"])).toEqual([
    { address: "10.0.0.53", port: 53 },
    { address: "fd00::53", port: 53 },
    { address: "127.0.0.1", port: 5353 },
    { address: "::1", port: 5353 },
  ]);
});

test("a family by which a resolver is asked is one that this machine has", async () => {
  expect(await familiesHere([{ address: "9.9.9.9", port: 53 }])).toContain("ipv4");
  expect(await familiesHere([{ address: "2620:fe::fe", port: 53 }])).toContain("ipv6");
});
