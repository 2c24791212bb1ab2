import { expect, test } from "vitest";
import { addressRange, isAsGoodAsEverybody, isOneAddress } from "../../../infra/provider/ranges.ts";

test.each([
  ["10.1.2.3/8", "10.0.0.0/8"],
  ["198.51.100.7/26", "198.51.100.0/26"],
  ["198.51.100.255/31", "198.51.100.254/31"],
  ["2001:db8:0:1:0:0:0:0/63", "2001:db8::/63"],
  ["2001:db8::ffff/125", "2001:db8::fff8/125"],
])("%s is told to begin at %s", (given, start) => {
  expect(addressRange.safeParse(given).error?.issues.map(({ message }) => message)).toEqual([
    `must begin at the start of its range: ${start}`,
  ]);
});

test.each([
  { range: "0.0.0.0/0", everybody: true, one: false },
  { range: "128.0.0.0/1", everybody: true, one: false },
  { range: "::/0", everybody: true, one: false },
  { range: "fc00::/7", everybody: true, one: false },
  { range: "10.0.0.0/8", everybody: false, one: false },
  { range: "fd00::/8", everybody: false, one: false },
  { range: "2001:db8::/32", everybody: false, one: false },
  { range: "10.0.0.1/32", everybody: false, one: true },
  { range: "2001:db8::1/128", everybody: false, one: true },
])("Q-SRV-5, Q-SRV-6: $range is as good as everybody: $everybody, one address: $one", ({ range, everybody, one }) => {
  expect([isAsGoodAsEverybody(range), isOneAddress(range)]).toEqual([everybody, one]);
});
