import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fingerprint, fingerScript, knockOf, minionId } from "../../../infra/provider/salt-values.ts";

test("NET-3: a knock is the same for one name, differs between names, and fits below what links lower a segment to", () => {
  expect(knockOf("os2mo.kommune.dk")).toEqual(knockOf("os2mo.kommune.dk"));
  expect(knockOf("os2mo.kommune.dk")).not.toEqual(knockOf("os2mo-test.kommune.dk"));
  fc.assert(
    fc.property(fc.string(), (name) => knockOf(name).every((size) => size >= 600 && size < 1200)),
    { numRuns: 200 },
  );
});

test("a fingerprint is that of the lines between the first and the last, as Salt reckons it", () => {
  const folder = mkdtempSync(join(tmpdir(), "onprem-finger-"));
  try {
    const body = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\nu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt\n";
    const file = join(folder, "minion.pub");
    const shown = () =>
      execFileSync("sh", ["-c", `${fingerScript}finger "$1"`, "sh", file], { encoding: "utf8" }).trim();
    const expected = createHash("sha256").update(body).digest("hex").match(/../g)?.join(":");
    writeFileSync(file, `-----BEGIN PUBLIC KEY-----\n${body}-----END PUBLIC KEY-----`);
    expect(shown()).toBe(expected);
    writeFileSync(file, `-----BEGIN PUBLIC KEY-----\n\n${body}-----END PUBLIC KEY-----\n\n`);
    expect(shown()).toBe(expected);
    writeFileSync(file, "");
    expect(shown()).toBe("");
    expect(fingerprint.safeParse(expected).success).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each(["../x", "a/b", "A", "a b", "", "-a", "a.", "a;b", "a\n"])("%j is no name of a minion", (name) => {
  expect(minionId.safeParse(name).success).toBe(false);
});
