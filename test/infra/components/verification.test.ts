import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checks, verificationText } from "../../../infra/components/verification.ts";

const folder = mkdtempSync(join(tmpdir(), "onprem-verification-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the text where every tool of its checks answers what the test says, and nothing else is there. */
function verify(answers: Readonly<Record<string, { code: number; says: string }>>) {
  const tools = [...new Set(checks.map(({ argv }) => argv[0] ?? ""))];
  const names = [...tools, "id", "sudo"];
  for (const name of names) {
    const { code, says } = answers[name] ?? { code: 0, says: name === "id" ? "0" : "" };
    const body = name === "sudo" && answers.sudo === undefined ? 'shift 2; exec "$@"' : `echo '${says}'; exit ${code}`;
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  // `test` is built into the shell.
  const text = verificationText().replaceAll(" test -d", ` ${join(folder, "test")} -d`);
  const ran = spawnSync("/bin/sh", ["-c", text], { env: { PATH: folder }, encoding: "utf8" });
  return { code: ran.status, lines: ran.stdout.trimEnd().split("\n"), stderr: ran.stderr };
}

test("every check that passes is a line", () => {
  expect(verify({})).toEqual({ code: 0, lines: checks.map(({ what }) => `ok: ${what}`), stderr: "" });
});

test("a check that fails shows the tool's words, and the others still run", () => {
  const { code, lines } = verify({ sshd: { code: 255, says: "line 3: Bad option" } });
  expect(code).toBe(1);
  expect(lines).toEqual([
    "FAILED: the SSH server accepts its configuration: line 3: Bad option",
    ...checks.slice(1).map(({ what }) => `ok: ${what}`),
  ]);
});

test("another account than root asks through sudo, without a password", () => {
  expect(verify({ id: { code: 0, says: "1000" } }).code).toBe(0);
  const refused = verify({ id: { code: 0, says: "1000" }, sudo: { code: 1, says: "a password is required" } });
  expect(refused.lines).toEqual(checks.map(({ what }) => `FAILED: ${what}: a password is required`));
});

test("no word of a check needs quoting", () => {
  expect(checks.flatMap(({ what, argv }) => [what.replaceAll(" ", ""), ...argv]).join("")).toMatch(/^[A-Za-z0-9/.-]+$/);
  expect(() => execFileSync("/bin/sh", ["-n", "-c", verificationText()])).not.toThrow();
});
