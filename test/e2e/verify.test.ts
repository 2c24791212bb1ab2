import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { labSettings } from "../../lab/settings.ts";
import { finish } from "../../scripts/command.ts";
import { projectFolder } from "../../scripts/engine/environment.ts";
import { initStacks, openLabStacks, update, writeConfiguration } from "../../scripts/start/lab-stack.ts";
import { OwnLab } from "./own-lab.ts";

// NET-1, NET-2, Q-SRV-3, Q-SRV-8: each promise of the firewall request, tried on a server that the whole program has set up.

let lab: OwnLab;
let folder: string;
let file: string;

beforeAll(async () => {
  lab = await OwnLab.up();
  folder = await mkdtemp(join(tmpdir(), "onprem-verify-"));
  file = join(folder, "Pulumi.dev.yaml");
  await writeFile(file, JSON.stringify({ config: labSettings(lab.status, "development") }));
  const { signal } = new AbortController();
  const stacks = await openLabStacks(join(folder, "stacks"), inject("engine"));
  await initStacks(stacks, ["dev"], signal);
  await writeConfiguration(stacks, "dev", labSettings(lab.status, "development"));
  const { errors } = await update(stacks, "dev", signal, () => {});
  expect(errors).toEqual([]);
}, 120_000);

afterAll(async () => {
  await lab.down();
  await rm(folder, { recursive: true, force: true });
});

const verify = (...more: string[]) => {
  const script = join(projectFolder, "scripts", "verify.ts");
  return finish([process.execPath, script, "network", "dev", "--config-file", file, ...more], { env: process.env });
};

test("a server as it should be: all as requested, exit code 0", async () => {
  const { code, stdout, stderr } = await verify();
  const failed = stdout.split("\n").filter((line) => line.includes("FAILED"));
  expect({ code, stderr, failed }).toEqual({ code: 0, stderr: "", failed: [] });
  expect(stdout).toMatch(/ok {6}ssh +22\/tcp +open/);
  // This machine is in the management segment, which may not open OS2mo.
  expect(stdout).toMatch(/ok {6}web +443\/tcp +filtered, as it should be: this machine \([\d.]+\) is not of/);
  expect(stdout).toMatch(/ok {6}salt +[\d.]+ 4505\/tcp +open/);
  expect(stdout).toMatch(/ok {6}dns +[\d.]+ 53\/udp +open/);
  expect(stdout).toMatch(/ok {6}time +[\d.]+ 123\/udp +open/);
  expect(stdout).toMatch(/all \d+ as requested/);
}, 60_000);

test("a firewall of the customer's that drops what was asked for is named, in words and as JSON", async () => {
  const { v4 } = lab.machine("vendor").addresses;
  const nft = (rules: string) => lab.within("vendor", `nft -f - <<'END'\n${rules}\nEND`);
  await nft(
    "table inet between { chain in { type filter hook input priority -200; tcp dport 4506 drop; tcp dport 4505 reject with tcp reset; udp dport 123 drop; }; }",
  );
  try {
    const { code, stdout } = await verify();
    expect(code).toBe(1);
    expect(stdout).toContain(`${v4} 4506/tcp`);
    expect(stdout).toMatch(/FAILED {2}salt +[\d.]+ 4506\/tcp +filtered: a firewall in between drops it/);
    expect(stdout).toMatch(/FAILED {2}salt +[\d.]+ 4505\/tcp +gets through, but nothing listens/);
    expect(stdout).toMatch(/FAILED {2}time +[\d.]+ 123\/udp +no answer/);
    const json = await verify("--json");
    const { checks } = JSON.parse(json.stdout) as { checks: { name: string; answer: string; holds: boolean }[] };
    expect(json.code).toBe(1);
    expect(checks.filter(({ holds }) => !holds).map(({ name, answer }) => `${name} ${answer}`)).toEqual(
      expect.arrayContaining(["salt refused", "salt silent", "time silent"]),
    );
  } finally {
    await nft("delete table inet between");
  }
}, 90_000);

test("a server that is open to somebody who is not named fails", async () => {
  await lab.within("dev", "nft flush ruleset");
  const { code, stdout } = await verify();
  expect(code).toBe(1);
  expect(stdout).toMatch(/FAILED {2}web +80\/tcp +gets through, and should not be/);
  await lab.within("dev", "systemctl restart onprem-firewall");
}, 60_000);

test("a server that cannot be logged in to is told, with what this machine sees: exit code 3", async () => {
  await lab.within("dev", "systemctl stop ssh");
  try {
    const { code, stdout } = await verify();
    expect(code).toBe(3);
    expect(stdout).toMatch(/ok {6}ssh +22\/tcp +gets through; nothing listens there yet/);
    expect(stdout).toContain("not asked: no ssh on");
  } finally {
    await lab.within("dev", "systemctl start ssh");
  }
}, 60_000);
