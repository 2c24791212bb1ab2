import { expect, test } from "vitest";
import { notBegun, type UpdateState } from "../../../scripts/start/engine-events.ts";
import {
  describeChanges,
  describeDiffered,
  describeNext,
  describeOutcome,
  type Outcome,
} from "../../../scripts/start/summary.ts";

const state: UpdateState = {
  ...notBegun,
  done: 30,
  differed: [{ name: "User admin", paths: ["sudo", 'keys["laptop"]'] }],
  verified: true,
  warnings: ["the size is overridden", "no SSD is asked for"],
  changes: { create: ["File a", "File b", "File c", "File d"], update: ["User admin"] },
  outputs: {
    os: "Debian 12 (bookworm)",
    size: "2 cores, 23 GiB, 250 GB",
    verification: "ok: the clock\nok: the firewall\n",
  },
};
const outcome: Outcome = {
  name: "dev",
  addresses: ["198.18.1.11", "2001:2:0:10::11"],
  state,
  seconds: 63,
  open: { management: ["198.18.1.64/26"], internal: ["198.18.1.128/27", "2001:2:0:12::/64"] },
  wrong: [],
  compared: 90,
};

test("an environment that is as it must be", () => {
  expect(describeOutcome(outcome)).toBe(`dev
  address   198.18.1.11  2001:2:0:10::11
  system    Debian 12 (bookworm)
  size      2 cores, 23 GiB, 250 GB
  warnings  the size is overridden
            no SSD is asked for
  open      22 to 198.18.1.64/26
            80, 443 to 198.18.1.128/27, 2001:2:0:12::/64
  changed   4 created, 1 updated (User admin), of 30 resources
  differed  User admin: sudo, keys["laptop"]
  took      1 min 03 s
  inside    2 checks on the server itself passed
  outside   as it must be: 90 connections tried from three networks over IPv4 and IPv6`);
});

test("one that failed shows the error as it is, and what is wrong from outside a line each", () => {
  const failed = {
    ...state,
    warnings: [],
    differed: [],
    outputs: {},
    errors: ["could not write /etc/motd on dev\n  Read-only file system"],
  };
  const text = describeOutcome({ ...outcome, state: failed, wrong: ["stranger must get no answer at 22 (open)"] });
  expect(text.split("\n").slice(2)).toEqual([
    "  system    not known, for the update did not get that far",
    "  size      not known, for the update did not get that far",
    "  open      22 to 198.18.1.64/26",
    "            80, 443 to 198.18.1.128/27, 2001:2:0:12::/64",
    "  changed   4 created, 1 updated (User admin), then it failed",
    "  took      1 min 03 s",
    "  inside    not known, for the update did not get that far",
    "  outside   NOT as it must be, of 90 connections tried from three networks over IPv4 and IPv6:",
    "            stranger must get no answer at 22 (open)",
    "",
    "  could not write /etc/motd on dev",
    "    Read-only file system",
  ]);
});

test("checks of an earlier run are said to be so", () => {
  expect(describeOutcome({ ...outcome, state: { ...state, verified: false } })).toContain(
    "  inside    2 checks passed when last verified, not asked again in this run\n",
  );
});

test("what differed is cut where it gets long: 12 resources, 4 paths of each", () => {
  const differed = Array.from({ length: 14 }, (_, index) => ({ name: `File ${index}`, paths: ["content"] }));
  expect(describeDiffered(differed).slice(11)).toEqual(["File 11: content", "and 2 more"]);
  expect(describeDiffered([{ name: "Sysctl a", paths: ["a", "b", "c", "d", "e", "f"] }])).toEqual([
    "Sysctl a: a, b, c, d, and 2 more",
  ]);
});

test.each([
  { given: { ...notBegun, done: 30 }, text: "nothing; all 30 resources are as they must be" },
  { given: { ...notBegun, done: 30, changes: { delete: ["File a"] } }, text: "1 deleted (File a), of 30 resources" },
  { given: { ...notBegun, errors: ["no"] }, text: "nothing, for it failed" },
])("changes: $text", ({ given, text }) => {
  expect(describeChanges(given)).toBe(text);
});

test("what to do next names the lab where it has another name", () => {
  expect(describeNext("lab", true)).toContain("npm run lab -- shell dev\n");
  expect(describeNext("other", true)).toContain("npm run lab -- down --name other");
  expect(describeNext("other", false)).toContain("see above");
});
