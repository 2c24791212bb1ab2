import { describe, expect, test } from "vitest";
import type { Check } from "../../../scripts/verify/checks.ts";
import { judge, line, summary, untriedLine } from "../../../scripts/verify/verdict.ts";

const ssh: Check = {
  from: "here",
  name: "ssh",
  attempt: { protocol: "tcp", address: "10.1.0.13", port: 22 },
  allowed: true,
};
const web: Check = { ...ssh, name: "web", attempt: { ...ssh.attempt, port: 443 } };
const shut: Check = { ...web, allowed: false, why: "reason" };
const salt: Check = { ...ssh, from: "server", name: "salt", attempt: { ...ssh.attempt, port: 4505 } };
const dns: Check = { ...salt, name: "dns", attempt: { protocol: "udp", address: "10.0.0.53", port: 53 } };

const up = { up: true };
const [listens, nothing] = [
  { up: true, listens: true },
  { up: true, listens: false },
];

describe("NET-1, NET-2, Q-SRV-8: what an answer means", () => {
  test.each([
    ["open, as asked", ssh, "open", up, "ok", "open"],
    ["SSH refused", ssh, "refused", up, "failed", "refused: a firewall in between rejects it, or no SSH server runs"],
    [
      "refused, and nobody was asked",
      web,
      "refused",
      up,
      "unsure",
      "refused: nothing listens there yet, or a firewall in between rejects it",
    ],
    [
      "refused, and nothing listens",
      web,
      "refused",
      nothing,
      "unsure",
      "refused: nothing listens on the server yet; try again when the application is there",
    ],
    [
      "refused, though something listens",
      web,
      "refused",
      listens,
      "failed",
      "refused, though the server listens: a firewall rejects it",
    ],
    ["dropped", web, "silent", up, "failed", "filtered: a firewall drops it"],
    [
      "silent, of a server that may be off",
      web,
      "silent",
      { up: false },
      "failed",
      "no answer: a firewall drops it, or the server is not there",
    ],
    ["without a route", web, "no route", up, "failed", "there is no route to it"],
    [
      "refused outwards",
      salt,
      "refused",
      up,
      "failed",
      "refused: a firewall in between rejects it, or nothing listens at the other end",
    ],
    ["silent outwards", salt, "silent", up, "failed", "filtered: a firewall in between drops it, or nobody is there"],
    ["silent by UDP", dns, "silent", up, "failed", "no answer: a firewall in between drops it, or nobody is there"],
    ["dropped, as it should be", shut, "silent", up, "ok", "filtered, as it should be: reason"],
    [
      "silent as it should be, of a server that may be off",
      shut,
      "silent",
      { up: false },
      "unsure",
      "no answer: filtered as it should be, or the server is not there: reason",
    ],
    ["without a route, as it should be", shut, "no route", up, "ok", "filtered, as it should be: reason"],
    ["open to who should be shut out", shut, "open", up, "failed", "open, and should not be: reason"],
    [
      "refused to who should be shut out",
      shut,
      "refused",
      nothing,
      "failed",
      "refused, and should be dropped: it gets through, or a firewall in between rejects it: reason",
    ],
    [
      "rejected on the way to who should be shut out",
      shut,
      "refused",
      listens,
      "ok",
      "rejected by a firewall, closed as it should be: reason",
    ],
  ] as const)("%s", (_, check, answer, known, verdict, said) => {
    expect(judge(check, answer, known)).toEqual({ check, answer, verdict, said });
  });
});

test("each verdict is a line, and so is what was not tried", () => {
  expect(line(judge(ssh, "open", up))).toMatch(/^ {2}ok {6}ssh {9}22\/tcp +open$/);
  expect(line(judge(dns, "silent", up))).toMatch(/^ {2}FAILED {2}dns {9}10\.0\.0\.53 53\/udp +no answer/);
  expect(line(judge(web, "refused", up))).toMatch(/^ {2}unsure {2}web {9}443\/tcp +refused/);
  expect(untriedLine({ from: "here", name: "ssh", what: "22/tcp", why: "reason" })).toMatch(
    /^ {2}untried ssh {9}22\/tcp +reason$/,
  );
});

describe("the last line says all only of what is sure", () => {
  const of = (...verdicts: ("ok" | "failed" | "unsure")[]) => verdicts.map((verdict) => ({ verdict }));
  test.each([
    [of("ok", "ok"), 0, "all 2 that were tried are as requested"],
    [of("ok", "ok"), 3, "all 2 that were tried are as requested; 3 could not be tried"],
    [of("ok", "unsure"), 0, "1 of 2 as requested, none failed; 1 unsure"],
    [of("unsure"), 1, "0 of 1 as requested, none failed; 1 unsure; 1 could not be tried"],
    [of("ok", "failed", "unsure"), 1, "1 of 3 not as requested; 1 unsure; 1 could not be tried"],
    [of(), 4, "4 could not be tried"],
  ])("%j, %i untried", (verdicts, untried, expected) => {
    expect(summary(verdicts, untried)).toBe(expected);
  });
});
