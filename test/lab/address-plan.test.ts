import { describe, expect, test } from "vitest";
import { checkLabName, netOfIndex, planAddresses } from "../../lab/address-plan.ts";

describe("planAddresses", () => {
  const plan = planAddresses("198.18.42.0/24");

  test("SRV-1: three servers, the vendor and each place to look from have fixed addresses", () => {
    expect(plan.places).toEqual({
      dev: { segment: "servers", v4: "198.18.42.11", v6: "2001:2:0:2a0::11" },
      test: { segment: "servers", v4: "198.18.42.12", v6: "2001:2:0:2a0::12" },
      prod: { segment: "servers", v4: "198.18.42.13", v6: "2001:2:0:2a0::13" },
      controller: { segment: "management", v4: "198.18.42.65", v6: "2001:2:0:2a1::65" },
      management: { segment: "management", v4: "198.18.42.70", v6: "2001:2:0:2a1::70" },
      internal: { segment: "internal", v4: "198.18.42.140", v6: "2001:2:0:2a2::140" },
      stranger: { segment: "stranger", v4: "198.18.42.170", v6: "2001:2:0:2a3::170" },
      vendor: { segment: "vendor", v4: "198.18.42.200", v6: "2001:2:0:2a4::200" },
    });
  });

  test("the segments fill the range without overlap", () => {
    expect(Object.values(plan.segments).map(({ v4 }) => v4)).toEqual([
      "198.18.42.0/26",
      "198.18.42.64/26",
      "198.18.42.128/27",
      "198.18.42.160/27",
      "198.18.42.192/26",
    ]);
    expect(plan.ranges).toEqual({ v4: "198.18.42.0/24", v6: "2001:2:0:2a0::/60" });
  });

  test("every place lies in its segment", () => {
    for (const { segment, v4, v6 } of Object.values(plan.places)) {
      const { v4: range, v6: range6, bits } = plan.segments[segment];
      const first = Number(range.split("/")[0]?.split(".")[3]);
      const last = Number(v4.split(".")[3]);
      expect([last > first, last < first + 2 ** (32 - bits) - 1]).toEqual([true, true]);
      expect(v6.startsWith(range6.replace("/64", ""))).toBe(true);
    }
  });

  test.each([
    ["198.18.0.0/24", 0, "2001:2:0:0::/60"],
    ["198.18.255.0/24", 255, "2001:2:0:ff0::/60"],
    ["198.19.0.0/24", 256, "2001:2:0:1000::/60"],
    ["198.19.255.0/24", 511, "2001:2:0:1ff0::/60"],
  ])("%s is number %i and has %s", (net, index, v6) => {
    expect([planAddresses(net).index, planAddresses(net).ranges.v6, netOfIndex(index)]).toEqual([index, v6, net]);
  });

  test.each(["10.0.0.0/24", "198.18.256.0/24", "198.18.07.0/24", "198.18.1.0/25", "198.20.1.0/24", ""])(
    "%o is refused",
    (net) => {
      expect(() => planAddresses(net)).toThrow(`"${net}" is not a lab subnet\n`);
    },
  );

  test("further servers get .14 to .62", () => {
    expect(plan.extraServer(21)).toEqual({ v4: "198.18.42.21", v6: "2001:2:0:2a0::21" });
    for (const last of [13, 63, 20.5]) expect(() => plan.extraServer(last)).toThrow("is not free");
  });
});

test.each([
  ["lab", true],
  ["e2e", true],
  ["abcdefghijkl", true],
  ["abcdefghijklm", false],
  ["a-b", false],
  ["Lab", false],
  ["1a", false],
  ["../x", false],
  ["", false],
])("checkLabName(%o) accepts: %s", (name, accepted) => {
  if (accepted) expect(checkLabName(name)).toBe(name);
  else expect(() => checkLabName(name)).toThrow("cannot be the name of a lab");
});
