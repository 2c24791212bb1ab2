import { expect, test } from "vitest";
import { counterRules, readCounters } from "../../../scripts/bench/traffic.ts";

test("the rules count for each server what goes there, what comes back and what is opened, and drop nothing", () => {
  expect(counterRules("198.18.9.65", ["198.18.9.11"])).toBe(
    [
      "table inet onprem_bench {}",
      "delete table inet onprem_bench",
      "table inet onprem_bench {",
      "  counter to_198_18_9_11 {}",
      "  counter from_198_18_9_11 {}",
      "  counter new_198_18_9_11 {}",
      "  chain crossing {",
      "    type filter hook forward priority -300; policy accept;",
      "    ip saddr 198.18.9.65 ip daddr 198.18.9.11 counter name to_198_18_9_11",
      "    ip saddr 198.18.9.11 ip daddr 198.18.9.65 counter name from_198_18_9_11",
      "    ip saddr 198.18.9.65 ip daddr 198.18.9.11 tcp flags & (syn | ack) == syn counter name new_198_18_9_11",
      "  }",
      "}",
      "",
    ].join("\n"),
  );
});

test("connections are packets, the rest is bytes", () => {
  const counter = (name: string) => ({
    counter: { family: "inet", name, table: "onprem_bench", handle: 2, packets: 3, bytes: 180 },
  });
  const json = JSON.stringify({
    nftables: [{ metainfo: { version: "1.0.6" } }, counter("to_a"), counter("from_a"), counter("new_a")],
  });
  expect(readCounters(json)).toEqual(
    new Map([
      ["to_a", 180],
      ["from_a", 180],
      ["new_a", 3],
    ]),
  );
});
