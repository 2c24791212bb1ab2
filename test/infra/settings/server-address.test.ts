import { describe, expect, test } from "vitest";
import { customerAddress, isLoopback, liesIn } from "../../../infra/settings/server-address.ts";

test.each([
  ["127.0.0.1", true],
  ["127.8.9.10", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["localhost", true],
  ["mo.localhost", true],
  ["10.1.0.13", false],
  ["fd00::13", false],
  ["localhost.kommune.dk", false],
])("whether %s is this machine itself: %s", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

describe("ACC-1, Q-SRV-10: the server's address in the customer's network", () => {
  const at = (host: string, more: object = {}) => customerAddress({ host, port: 22, ...more }, {});
  test.each([
    ["an address", at("10.1.0.13"), "10.1.0.13"],
    ["an IPv6 address", at("fd00::13"), "fd00::13"],
    ["a name", at("mo.kommune.dk"), undefined],
    ["this machine's end of a tunnel", at("::1"), undefined],
    ["a forwarded port", at("10.1.0.1", { port: 2222 }), undefined],
    ["what the settings say", at("mo.kommune.dk", { address: "10.1.0.13" }), "10.1.0.13"],
  ])("%s", (_, found, expected) => {
    expect(found).toBe(expected);
  });
});

test.each([
  ["10.99.0.0/24", true],
  ["10.99.0.7/32", true],
  ["10.0.0.0/8", false],
  ["10.98.0.0/24", false],
  ["fd00:99::/96", true],
  ["fd00::/16", false],
])("whether %s lies in the tunnel's ranges: %s", (range, expected) => {
  expect(liesIn(range, ["10.99.0.0/24", "fd00:99::/64"])).toBe(expected);
});
