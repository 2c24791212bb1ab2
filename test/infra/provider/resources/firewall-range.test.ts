import { expect, it } from "vitest";
import { addressRanges, isAnywhere, isV4 } from "../../../../infra/provider/resources/firewall-range.ts";

it.each([
  ["10.0.0.0/8", "10.0.0.0/8"],
  ["198.51.100.7", "198.51.100.7/32"],
  ["198.51.100.7/32", "198.51.100.7/32"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["10.20.30.128/25", "10.20.30.128/25"],
  ["2001:DB8:0:0::/32", "2001:db8::/32"],
  ["fd00:20::/64", "fd00:20::/64"],
  ["2001:db8::1", "2001:db8::1/128"],
  ["2001:db8:0:1:0:0:0:0/63", undefined],
  ["fe80::/10", "fe80::/10"],
  ["::/0", "::/0"],
  ["ff02::1:2", "ff02::1:2/128"],
])("takes %s as %s", (given, range) => {
  const parsed = addressRanges.safeParse([given]);
  expect(parsed.success ? parsed.data : undefined).toEqual(range === undefined ? undefined : [range]);
});

it.each([
  ["10.0.0.1/8", "must begin at the start of its range: 10.0.0.0/8"],
  ["2001:db8::1/64", "must begin at the start of its range: 2001:db8::/64"],
  ["128.0.0.0/0", "must begin at the start of its range: 0.0.0.0/0"],
  ["10.0.0.0/33", "must have a prefix of 0 to 32 bits"],
  ["10.0.0.0/08", "must have a prefix of 0 to 32 bits"],
  ["10.0.0.0/", "must have a prefix of 0 to 32 bits"],
  ["10.0.0.0/8/8", "must have a prefix of 0 to 32 bits"],
  ["::/129", "must have a prefix of 0 to 128 bits"],
  ["::ffff:10.0.0.1", "must be written as an IPv4 range"],
  ["::1", "must be written as an IPv4 range"],
  ["fe80::1%eth0", 'must be a range such as "10.0.0.0/8", or an IP address'],
  ["10.0.0", 'must be a range such as "10.0.0.0/8", or an IP address'],
  ["any", 'must be a range such as "10.0.0.0/8", or an IP address'],
  ["10.0.0.0/8 } accept", "must have a prefix of 0 to 32 bits"],
  ["", 'must be a range such as "10.0.0.0/8", or an IP address'],
])("refuses %j", (given, reason) => {
  expect(addressRanges.safeParse([given]).error?.issues.map(({ message }) => message)).toEqual([reason]);
});

it("sorts, and keeps each range once", () => {
  expect(addressRanges.parse(["fd00::/8", "10.0.0.1", "10.0.0.0/8", "10.0.0.1/32", "FD00::/8"])).toEqual([
    "10.0.0.0/8",
    "10.0.0.1/32",
    "fd00::/8",
  ]);
});

it("knows families and everybody", () => {
  expect(["10.0.0.0/8", "::/0"].map(isV4)).toEqual([true, false]);
  expect(["0.0.0.0/0", "::/0", "10.0.0.0/8", "10.0.0.0/10"].map(isAnywhere)).toEqual([true, true, false, false]);
});
