import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { labSettings } from "../../lab/settings.ts";
import { finish, type Words } from "../../scripts/command.ts";
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

/** What verify says of each check, and its exit code. */
async function verdicts(...more: string[]) {
  const { code, stdout } = await verify("--json", ...more);
  const { checks } = JSON.parse(stdout) as {
    checks: { name: string; attempt: { port: number }; answer: string; verdict: string }[];
  };
  const told = checks.map(({ name, attempt, answer, verdict }) => `${name} ${attempt.port} ${answer} ${verdict}`);
  return { code, told };
}

/** The stack's file with a top-level key changed; a later `--config-file` counts. */
async function changed(key: string, more: object): Promise<[option: string, file: string]> {
  const settings = labSettings(lab.status, "development");
  const name = `os2mo-on-prem:${key}`;
  const other = join(folder, `${key}.yaml`);
  await writeFile(
    other,
    JSON.stringify({ config: { ...settings, [name]: { ...(settings[name] as object), ...more } } }),
  );
  return ["--config-file", other];
}

/** A firewall of the customer's, in the router between the segments, while something is done. */
async function behind(rule: string, done: () => Promise<void>): Promise<void> {
  // nft(8) of a server, for this machine may have none, in the router's network.
  const { leader } = lab.machine("dev");
  const nft = (input: string) =>
    finish(
      ["nsenter", "--target", String(leader), "--mount", `--net=${lab.status.router.netns}`, "--", "nft", "-f", "-"],
      {
        input,
      },
    );
  const made = await nft(`table inet between { chain forward { type filter hook forward priority 0; ${rule}; }; }\n`);
  expect(made).toEqual({ code: 0, stdout: "", stderr: "" });
  try {
    await done();
  } finally {
    await nft("delete table inet between\n");
  }
}

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
  expect(stdout).toMatch(/all \d+ that were tried are as requested/);
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
    expect(stdout).toMatch(/FAILED {2}salt +[\d.]+ 4506\/tcp +filtered: a firewall in between drops it, or nobody/);
    expect(stdout).toMatch(/FAILED {2}salt +[\d.]+ 4505\/tcp +refused: a firewall in between rejects it, or nothing/);
    expect(stdout).toMatch(/FAILED {2}time +[\d.]+ 123\/udp +no answer/);
    const { code: again, told } = await verdicts();
    expect(again).toBe(1);
    expect(told.filter((one) => one.endsWith(" failed"))).toEqual(
      expect.arrayContaining(["salt 4505 refused failed", "salt 4506 silent failed", "time 123 silent failed"]),
    );
    expect(told).toContain("ssh 22 open ok");
  } finally {
    await nft("delete table inet between");
  }
}, 90_000);

test("a server that is open to somebody who is not named fails", async () => {
  await lab.within("dev", "nft flush ruleset");
  const { code, stdout } = await verify();
  expect(code).toBe(1);
  expect(stdout).toMatch(/FAILED {2}web +80\/tcp +refused, and should be dropped/);
  await lab.within("dev", "systemctl restart onprem-firewall");
}, 60_000);

test("a server that cannot be logged in to is told, with what this machine sees: exit code 3", async () => {
  await lab.within("dev", "systemctl stop ssh");
  try {
    const { code, stdout } = await verify();
    expect(code).toBe(3);
    expect(stdout).toMatch(/FAILED {2}ssh +22\/tcp +refused: a firewall in between rejects it, or no SSH server runs/);
    // Silence is no proof of a firewall where nothing says that the server is there.
    expect(stdout).toMatch(/unsure {2}web +443\/tcp +no answer: filtered as it should be, or the server is not there/);
    expect(stdout).toMatch(/1 of 3 not as requested; 2 unsure; \d+ could not be tried/);
    expect(stdout).toContain("not asked: no ssh on");
  } finally {
    await lab.within("dev", "systemctl start ssh");
  }
}, 60_000);

describe("inbound, with a firewall of the customer's in between", () => {
  test("SSH that is rejected with a reset fails, and is not taken for a server without SSH", async () => {
    await behind("tcp dport 22 reject with tcp reset", async () => {
      const { code, stdout } = await verify();
      expect(code).toBe(3);
      expect(stdout).toMatch(
        /FAILED {2}ssh +22\/tcp +refused: a firewall in between rejects it, or no SSH server runs/,
      );
    });
  }, 60_000);

  test("a port that refuses is unsure until something listens; then it is a firewall that rejects", async () => {
    // This machine becomes one of the customer's own.
    const { management, internal } = lab.status.segments;
    const ours = await changed("firewall", { internal: [management.v4, management.v6, internal.v4, internal.v6] });
    await lab.within("dev", "nft insert rule inet onprem arriving tcp dport '{ 80, 443 }' accept");
    try {
      const early = await verify(...ours);
      expect(early.code).toBe(0);
      expect(early.stdout).toMatch(/unsure {2}web +443\/tcp +refused: nothing listens on the server yet; try again/);
      expect(early.stdout).toMatch(/\d+ of \d+ as requested, none failed; 2 unsure/);
      await lab.within("dev", listenOn443);
      await behind("tcp dport 443 reject with tcp reset", async () => {
        const { code, stdout } = await verify(...ours);
        expect(code).toBe(1);
        expect(stdout).toMatch(/FAILED {2}web +443\/tcp +refused, though the server listens: a firewall rejects it/);
        expect(stdout).toMatch(/unsure {2}web +80\/tcp/);
      });
      const { code, told } = await verdicts(...ours);
      expect([code, told.slice(0, 3)]).toEqual([0, ["ssh 22 open ok", "web 80 refused unsure", "web 443 open ok"]]);
    } finally {
      await lab.within("dev", "systemctl stop answers-443 || true; systemctl restart onprem-firewall");
    }
  }, 90_000);

  test("NET-4: from the customer's own network, a drop on the way to 443 fails", async () => {
    const from = lab.status.vantagePoints.find(({ name }) => name === "internal")?.netns ?? "";
    const script = join(projectFolder, "scripts", "verify.ts");
    const words: Words = [
      "nsenter",
      `--net=${from}`,
      "--",
      process.execPath,
      script,
      "network",
      "dev",
      "--config-file",
      file,
    ];
    const inside = () => finish(words, { env: process.env });
    await lab.within("dev", listenOn443);
    try {
      const open = await inside();
      // SSH is not for that network, so the server itself is not asked.
      expect(open.code).toBe(3);
      expect(open.stdout).toMatch(/ok {6}web +443\/tcp +open/);
      expect(open.stdout).toMatch(
        /unsure {2}web +80\/tcp +refused: nothing listens there yet, or a firewall in between/,
      );
      expect(open.stdout).toMatch(/ok {6}ssh +22\/tcp +filtered, as it should be/);
      await behind(`ip saddr ${lab.status.segments.internal.v4} tcp dport 443 drop`, async () => {
        const { code, stdout } = await inside();
        expect(code).toBe(3);
        expect(stdout).toMatch(/FAILED {2}web +443\/tcp +no answer: a firewall drops it, or the server is not there/);
      });
    } finally {
      await lab.within("dev", "systemctl stop answers-443");
    }
  }, 90_000);
});

/** What the application will be: something on 443, until it is stopped. */
const listenOn443 = `systemd-run --quiet --unit=answers-443 perl -MIO::Socket::INET -e '
  my $all = IO::Socket::INET->new(LocalPort => 443, Listen => 5, ReuseAddr => 1) or die; close $all->accept while 1'
  for try in 1 2 3 4 5 6 7 8 9 10; do ss -Hltn | grep -q :443 && exit; sleep 0.2; done; exit 1`;

test("through a local tunnel no inbound port is tried, for it would be this machine's; outwards all is", async () => {
  const { v4 } = lab.machine("dev").addresses;
  const tunnel = createServer((near) => {
    const far = connect({ host: v4, port: 22 });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on("error", () => other.destroy()).pipe(other);
  });
  await new Promise<void>((resolve) => tunnel.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = tunnel.address() as { port: number };
    const way = await changed("server", { host: "127.0.0.1", port });
    const { code, stdout, stderr } = await verify(...way);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const inbound of ["ssh +22", "web +80", "web +443"])
      expect(stdout).toMatch(
        new RegExp(` untried ${inbound}/tcp +127\\.0\\.0\\.1 is this machine's own end of a tunnel`),
      );
    expect(stdout).not.toContain("as it should be");
    expect(stdout).toMatch(/ok {6}salt +[\d.]+ 4505\/tcp +open/);
    expect(stdout).toMatch(/all \d+ that were tried are as requested; \d+ could not be tried/);
  } finally {
    tunnel.close();
  }
}, 60_000);
