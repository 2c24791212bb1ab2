import { describe, expect, test } from "vitest";
import { judge, line } from "../../../scripts/verify/verdict.ts";

const tcp = { protocol: "tcp" as const, address: "10.1.0.13", port: 22 };

describe("what an answer means", () => {
  test.each([
    ["here", true, "open", true, "open"],
    ["here", true, "refused", true, "nothing listens there yet"],
    ["here", true, "silent", false, "filtered: a firewall in between drops it"],
    ["here", true, "no route", false, "there is no route to it"],
    ["server", true, "refused", false, "is that the right address?"],
    ["here", false, "silent", true, "as it should be: reason"],
    ["here", false, "no route", true, "as it should be: reason"],
    ["here", false, "open", false, "open, and should not be: reason"],
    ["here", false, "refused", false, "gets through, and should not be: reason"],
  ] as const)("from %s, allowed %s, %s", (from, allowed, answer, holds, said) => {
    const verdict = judge({ from, name: "ssh", attempt: tcp, allowed, why: "reason" }, answer);
    expect([verdict.holds, verdict.said]).toEqual([holds, expect.stringContaining(said)]);
  });

  test("silence by UDP is told as what it may be", () => {
    const attempt = { protocol: "udp" as const, address: "10.0.0.53", port: 53 };
    const verdict = judge({ from: "server", name: "dns", attempt, allowed: true }, "silent");
    expect(verdict.said).toContain("or nobody is there");
    expect(line(verdict)).toMatch(/^ {2}FAILED {2}dns +10\.0\.0\.53 53\/udp +no answer/);
  });
});
