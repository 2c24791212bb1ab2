import { z } from "zod";
import { addressRange } from "../ranges.ts";

/** Some ranges, sorted, each once. */
export const addressRanges = z
  .array(addressRange)
  .transform((ranges) => [...new Set(ranges)].sort())
  .pipe(z.array(z.string()));

/** Whether a range is IPv4; else it is IPv6. */
export function isV4(range: string): boolean {
  return !range.includes(":");
}

/** Whether a range is everybody. */
export function isAnywhere(range: string): boolean {
  return range.endsWith("/0");
}
