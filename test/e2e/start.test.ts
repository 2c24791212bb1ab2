import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { downLab, statusLab } from "../../lab/lab.ts";
import { type Finished, finish } from "../../scripts/command.ts";
import { projectFolder } from "../../scripts/engine/environment.ts";
import { sshAudit, sshAuditVersion } from "./ssh-audit.ts";

// A lab of its own: what `npm start` does to its servers is no other test's business.
const lab = `t${process.pid}s`;

function start(): Promise<Finished> {
  return finish([process.execPath, join(projectFolder, "scripts", "start.ts"), "--name", lab], { timeout: 900 });
}

/** The line with this label, for each environment. */
function lines(stdout: string, label: string): string[] {
  return stdout.split("\n").filter((line) => line.startsWith(`  ${label} `));
}

describe("npm start", () => {
  let first: Finished;
  afterAll(() => downLab(lab, { forget: true }));

  test("SRV-1, NET-1: takes three bare servers to what they must be, as seen from outside", async () => {
    // Tried again, it is to find them bare again.
    await downLab(lab, { forget: true });
    first = await start();
    expect({ code: first.code, stderr: first.code === 0 ? "" : first.stdout + first.stderr }).toEqual({
      code: 0,
      stderr: "",
    });
    expect(first.stdout.split("\n").filter((line) => /^(dev|test|prod)$/.test(line))).toEqual(["dev", "test", "prod"]);
    const seen = "  outside   as it must be: 90 connections tried from three networks over IPv4 and IPv6";
    expect(lines(first.stdout, "outside")).toEqual([seen, seen, seen]);
    for (const line of lines(first.stdout, "changed")) expect(line).toMatch(/ [1-9]\d* created, of \d+ resources$/);
    for (const line of lines(first.stdout, "system")) expect(line).toContain("12");
    for (const line of lines(first.stdout, "inside")) expect(line).toMatch(/ \d+ checks on the server itself passed$/);
    expect(lines(first.stdout, "differed")).toEqual([]);
  }, 900_000);

  test.each(["cores", "ssd", "releases"])(
    "warns in each environment that it asks for other %s than the profile",
    (name) => {
      const warned = first.stdout.split("\n").filter((line) => line.includes(`requirements.override.${name} is `));
      expect(warned).toHaveLength(3);
    },
  );

  test("said again it changes nothing, and takes less than 30 s", async () => {
    const began = Date.now();
    const second = await start();
    expect(second.code).toBe(0);
    for (const line of lines(second.stdout, "changed"))
      expect(line).toMatch(/ nothing; all \d+ resources are as they must be$/);
    expect(lines(second.stdout, "changed")).toHaveLength(3);
    expect(second.stdout).toContain("requirements.override.cores is ");
    for (const line of lines(second.stdout, "inside"))
      expect(line).toMatch(/ \d+ checks passed when last verified, not asked again in this run$/);
    expect(Date.now() - began).toBeLessThan(30_000);
  }, 120_000);

  test("what was changed by hand, as the account that one logs in with, is shown by its property, and healed", async () => {
    const shell = [
      process.execPath,
      join(projectFolder, "scripts", "lab.ts"),
      "shell",
      "dev",
      "--name",
      lab,
      "--",
    ] as const;
    const byHand = await finish([...shell, "sudo sysctl -qw net.ipv4.tcp_syncookies=0 && id -un"], { timeout: 60 });
    expect([byHand.code, byHand.stdout]).toEqual([0, "deploy\n"]);
    const third = await start();
    expect(third.code).toBe(0);
    expect(lines(third.stdout, "differed")).toEqual([
      '  differed  Sysctl server-baseline-network: values["net.ipv4.tcp_syncookies"]',
    ]);
    const healed = await finish([...shell, "sudo sysctl -n net.ipv4.tcp_syncookies"], { timeout: 60 });
    expect(healed.stdout).toBe("1\n");
  }, 120_000);

  test("ssh-audit has nothing against a server's SSH that docs/security.md does not give a reason for", async () => {
    const dev = (await statusLab(lab))?.machines.find(({ name }) => name === "dev");
    const page = await readFile(join(projectFolder, "docs", "security.md"), "utf8");
    expect(page).toContain(`ssh-audit ${sshAuditVersion} |`);
    const complaints = await sshAudit(dev?.addresses.v4 ?? "");
    expect(complaints.filter(({ level }) => level === "fail")).toEqual([]);
    const named = [...(/^The four warnings are [\s\S]*?\. The server/m.exec(page)?.[0] ?? "").matchAll(/`([^`]+)`/g)];
    const names = named.map(([, name = ""]) => name);
    expect(
      complaints.map(({ algorithm }) => algorithm.replace(/@.*/, "")).filter((name) => !names.includes(name)),
    ).toEqual([]);
    expect(complaints).toHaveLength(4);
  }, 180_000);
});
