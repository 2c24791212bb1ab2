import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectFolder } from "../../../scripts/engine/environment.ts";
import { groupOf, readCases } from "../../../scripts/faults/cases.ts";
import { faultsPage } from "../../../scripts/faults/page.ts";
import type { FaultResult } from "../../../scripts/faults/results.ts";

const machine = {
  processor: "CPU",
  cores: 2,
  memory: 24 * 2 ** 30,
  kernel: "6.1",
  system: "Debian",
  node: "v24.1.0",
  load: 0.25,
};
const setting = { begun: "2026-11-27T08:00:00Z", commit: "abc1234", machine };
const held: FaultResult = {
  id: "lock-out/drops",
  done: "Rules | drop",
  holds: "Undone",
  seen: ["one", "two"],
  accessBack: 7.5,
  outcome: "held",
  took: 9,
};

test("a row says what was done, what must hold, what was seen, for how long nobody got in, and whether it held", () => {
  const page = faultsPage(setting, [held, { ...held, id: "state/lost", outcome: "failed", error: "it is gone" }]);
  expect(page).toContain(
    "**1 of 2 held.** Run on 2026-11-27 at commit `abc1234` on CPU with 2 cores and 24 GiB, Debian, Linux 6.1, Node 24.1.0, load average 0.3 at the start.",
  );
  expect(page).toContain("| drops | Rules \\| drop | Undone | one. two | 7.5 s | yes |");
  expect(page).toContain("| lost | Rules \\| drop | Undone | one. two. **it is gone** | 7.5 s | **no** |");
  expect(page.indexOf("## Changes that lock us out")).toBeLessThan(page.indexOf("## State and back end"));
});

test("a case without access has a dash", () => {
  const { accessBack: _, ...without } = held;
  expect(faultsPage(setting, [without])).toContain("| one. two | – | yes |");
});

test("docs/faults.md has each case of the matrix, and no other", () => {
  const page = readFileSync(join(projectFolder, "docs", "faults.md"), "utf8");
  expect(existsSync(join(projectFolder, "docs", "faults.svg"))).toBe(true);
  const rows = [...page.matchAll(/^\| ([a-z0-9-]+) \|/gm)].map(([, name]) => name);
  expect(rows).toEqual(readCases().map((id) => id.slice(groupOf(id).length + 1)));
});
