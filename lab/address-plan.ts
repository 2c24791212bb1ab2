import { LabError } from "./lab-error.ts";
import type { Addresses, Ranges, SegmentName, ServerName, VantageName } from "./status.ts";

/** The lab's DNS zone, one of the names reserved for tests (RFC 6761, section 6.2). */
export const domain = "lab.test";

/** The three servers in the order they are shown. */
export const serverNames: readonly ServerName[] = ["dev", "test", "prod"];

/** The vantage points in the order they are shown. */
export const vantageNames: readonly VantageName[] = ["management", "internal", "stranger"];

const segmentPlan: Record<SegmentName, { first: number; bits: number; router: number; index: number }> = {
  servers: { first: 0, bits: 26, router: 1, index: 0 },
  management: { first: 64, bits: 26, router: 126, index: 1 },
  internal: { first: 128, bits: 27, router: 129, index: 2 },
  stranger: { first: 160, bits: 27, router: 161, index: 3 },
  vendor: { first: 192, bits: 26, router: 193, index: 4 },
};

/** The segments in the order of their addresses. */
export const segmentNames = Object.keys(segmentPlan) as readonly SegmentName[];

const placePlan = {
  dev: { segment: "servers", last: 11 },
  test: { segment: "servers", last: 12 },
  prod: { segment: "servers", last: 13 },
  controller: { segment: "management", last: 65 },
  management: { segment: "management", last: 70 },
  internal: { segment: "internal", last: 140 },
  stranger: { segment: "stranger", last: 170 },
  vendor: { segment: "vendor", last: 200 },
} as const satisfies Record<string, { segment: SegmentName; last: number }>;

/** Everything in a lab that has a fixed address. */
export type Place = keyof typeof placePlan;

/** All addresses of one lab, derived from its subnet alone. */
export interface AddressPlan {
  /** 0 to 511: 198.18.0.0/24 is 0, 198.19.255.0/24 is 511. */
  readonly index: number;
  readonly ranges: Ranges;
  readonly segments: Readonly<Record<SegmentName, Ranges & { readonly router: Addresses; readonly bits: number }>>;
  readonly places: Readonly<Record<Place, Addresses & { readonly segment: SegmentName }>>;
  /** Address of a further machine in the servers' segment; `last` is 14 to 62. */
  extraServer(last: number): Addresses;
}

/** Turn `198.18.N.0/24` or `198.19.N.0/24` (RFC 2544) into a plan; IPv6 is a /60 of 2001:2::/48 (RFC 5180) by the same number. */
export function planAddresses(net: string): AddressPlan {
  const match = /^198\.(18|19)\.(\d{1,3})\.0\/24$/.exec(net);
  const third = Number(match?.[2]);
  if (!match || third > 255 || String(third) !== match[2]) {
    throw new LabError(
      `"${net}" is not a lab subnet`,
      "labs use the ranges for benchmarks, so that they never meet a real network",
      "give --net 198.18.N.0/24 or 198.19.N.0/24, N from 0 to 255",
    );
  }
  const index = (Number(match[1]) - 18) * 256 + third;
  const v4 = (last: number) => `198.${match[1]}.${third}.${last}`;
  const v6 = (segment: number, last: number | "") => `2001:2:0:${((index << 4) + segment).toString(16)}::${last}`;
  const address = (segment: SegmentName, last: number): Addresses => ({
    v4: v4(last),
    v6: v6(segmentPlan[segment].index, last),
  });
  return {
    index,
    ranges: { v4: net, v6: `${v6(0, "")}/60` },
    segments: mapValues(segmentPlan, (plan) => ({
      v4: `${v4(plan.first)}/${plan.bits}`,
      v6: `${v6(plan.index, "")}/64`,
      bits: plan.bits,
      router: { v4: v4(plan.router), v6: v6(plan.index, 1) },
    })),
    places: mapValues(placePlan, ({ segment, last }) => ({ segment, ...address(segment, last) })),
    extraServer: (last) => {
      if (!Number.isInteger(last) || last < 14 || last > 62) {
        throw new LabError(`.${last} is not free for a further server`, "the servers' segment has .14 to .62 for them");
      }
      return address("servers", last);
    },
  };
}

/** The subnet of a plan's number, the inverse of {@link AddressPlan.index}. */
export function netOfIndex(index: number): string {
  return `198.${18 + (index >> 8)}.${index & 255}.0/24`;
}

/** Lab names become parts of interface names, which hold 15 characters, and are never a prefix of one another's parts. */
export function checkLabName(name: string): string {
  if (/^[a-z][a-z0-9]{0,11}$/.test(name)) return name;
  throw new LabError(
    `"${name}" cannot be the name of a lab`,
    "names become parts of network interface names",
    "use one to twelve lower-case letters and digits, a letter first",
  );
}

function mapValues<K extends string, V, W>(record: Record<K, V>, map: (value: V, key: K) => W): Record<K, W> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value as V, key as K)])) as Record<
    K,
    W
  >;
}
