import { expect, test } from "vitest";
import { planAddresses } from "../../lab/address-plan.ts";
import { controllerInterface, firstFreeIndex, inRouter, networkBatches } from "../../lab/network.ts";

const batches = networkBatches("e2e", planAddresses("198.18.42.0/24"));
const linesFor = (namespace: string) =>
  batches.filter((batch) => batch.namespace === namespace).flatMap(({ lines }) => lines);

test("the machine's own namespace gets one interface, its addresses and two routes", () => {
  expect(linesFor("")).toEqual([
    "netns add onprem-e2e-router",
    "netns add onprem-e2e-management",
    "netns add onprem-e2e-internal",
    "netns add onprem-e2e-stranger",
    "link add op-e2e type veth peer name controller netns onprem-e2e-router",
    "addr add 198.18.42.65/26 dev op-e2e",
    "addr add 2001:2:0:2a1::65/64 dev op-e2e nodad",
    "link set op-e2e up",
    "route add 198.18.42.0/24 via 198.18.42.126 dev op-e2e",
    "route add 2001:2:0:2a0::/60 via 2001:2:0:2a1::1 dev op-e2e",
  ]);
});

test("a vantage point has one address of each family and goes everywhere through the router", () => {
  expect(linesFor("onprem-e2e-stranger")).toEqual([
    "link set lo up",
    "addr add 198.18.42.170/27 dev eth0",
    "addr add 2001:2:0:2a3::170/64 dev eth0 nodad",
    "link set eth0 up",
    "route add default via 198.18.42.161 dev eth0",
    "route add default via 2001:2:0:2a3::1 dev eth0",
  ]);
});

test("the router has a bridge with an address for each segment", () => {
  const bridges = linesFor("onprem-e2e-router").filter((line) => line.endsWith("type bridge"));
  expect(bridges.map((line) => line.split(" ")[2])).toEqual([
    "servers",
    "management",
    "internal",
    "stranger",
    "vendor",
  ]);
});

test("interface names fit into 15 characters for the longest lab name", () => {
  expect(controllerInterface("abcdefghijkl").length).toBe(15);
});

test("inRouter", () => {
  expect(inRouter("e2e", ["ip", "link"])).toEqual(["nsenter", "--net=/run/netns/onprem-e2e-router", "ip", "link"]);
});

test.each([
  [[], 8],
  [["default", "198.18.8.0/24", "127.0.0.0/8"], 8 + 1],
  [["198.18.8.64/26", "198.18.9.7"], 10],
  [Array.from({ length: 248 }, (_, n) => `198.18.${n + 8}.0/24`), 256],
])("firstFreeIndex, case %#", (used, expected) => {
  expect(firstFreeIndex(used)).toBe(expected);
});

test("firstFreeIndex says so when all is taken", () => {
  const all = Array.from({ length: 512 }, (_, n) => `198.${18 + (n >> 8)}.${n & 255}.0/24`);
  expect(() => firstFreeIndex(all)).toThrow("no subnet is free for a lab");
});
