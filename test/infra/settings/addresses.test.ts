import { describe, expect, test } from "vitest";
import { host, isExampleAddress, range } from "../../../infra/settings/addresses.ts";

describe("a range is brought into one form", () => {
  test.each([
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["10.20.0.13", "10.20.0.13/32"],
    ["10.20.0.13/32", "10.20.0.13/32"],
    ["198.18.0.64/26", "198.18.0.64/26"],
    ["fd00::/8", "fd00::/8"],
    ["2001:2:0:0:0:0:0:0/48", "2001:2::/48"],
    ["2001:2:0:10::c8", "2001:2:0:10::c8/128"],
    ["2001:0002:0000:0010:0000:0000:0000:00C8", "2001:2:0:10::c8/128"],
  ])("%s becomes %s", (given, read) => {
    expect(range.parse(given)).toBe(read);
  });
});

describe("a range is refused", () => {
  test.each([
    ["kommune.dk", 'must be a range such as "10.0.0.0/8", or an IP address'],
    ["10.0.0.0/", "must have a prefix of 0 to 32 bits"],
    ["10.0.0.0/8/8", "must have a prefix of 0 to 32 bits"],
    ["fe80::1%eth0", 'must be a range such as "10.0.0.0/8", or an IP address'],
    ["::ffff:10.0.0.1", "must be written as an IPv4 range"],
    ["10.0.0.0/33", "must have a prefix of 0 to 32 bits"],
    ["fd00::/129", "must have a prefix of 0 to 128 bits"],
    ["0.0.0.0/0", "must name somebody: a prefix of at least 8 bits, not as good as everybody"],
    ["::/0", "must name somebody: a prefix of at least 8 bits, not as good as everybody"],
    ["10.0.0.1/24", "must begin at the start of its range: 10.0.0.0/24"],
    ["fd00::1/64", "must begin at the start of its range: fd00::/64"],
  ])("%s: %s", (given, message) => {
    expect(range.safeParse(given).error?.issues.map((issue) => issue.message)).toEqual([message]);
  });
});

test.each([
  ["192.0.2.13", true],
  ["198.51.100.0/24", true],
  ["203.0.113.255", true],
  ["2001:db8:ffff::1/128", true],
  ["198.18.0.11", false],
  ["10.0.0.0/8", false],
  ["2001:2::1", false],
  ["kommune.example", false],
])("RFC 5737 and RFC 3849: whether %s is an example's address: %s", (text, example) => {
  expect(isExampleAddress(text)).toBe(example);
});

test.each([
  ["os2mo.kommune.dk", true],
  ["server1", true],
  ["10.0.0.1", true],
  ["2001:2::1", true],
  ["10.0.0.256", false],
  ["10.0.0", false],
  ["-oProxyCommand=x", false],
  ["Server", false],
  ["a b", false],
  ["", false],
])("whether %j names a host: %s", (text, valid) => {
  expect(host.safeParse(text).success).toBe(valid);
});
