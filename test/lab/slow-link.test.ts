import { expect, test } from "vitest";
import { planAddresses } from "../../lab/address-plan.ts";
import { slowLinkBatches } from "../../lab/slow-link.ts";

const { near, far } = slowLinkBatches("e2e", planAddresses("198.18.42.0/24"));

test("this machine reaches the servers, and nothing else, over the slow line, with the address it always has", () => {
  expect(near).toEqual([
    "link set sl-e2e up txqueuelen 5000",
    "route add 198.18.42.0/26 dev sl-e2e src 198.18.42.65",
    "route add 2001:2:0:2a0::/64 dev sl-e2e src 2001:2:0:2a1::65",
  ]);
});

test("answers take the same line back", () => {
  expect(far).toEqual([
    "link set sf-e2e name slow-link",
    "link set slow-link up txqueuelen 5000",
    "route add 198.18.42.65/32 dev slow-link",
    "route add 2001:2:0:2a1::65/128 dev slow-link",
  ]);
});
