import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { placeNat } from "../../lab/nat.ts";
import { type LabMaster, placeSaltMaster } from "../../lab/salt-master.ts";
import { saltVersion } from "../../lab/salt-packages.ts";
import { labSettings } from "../../lab/settings.ts";
import { finish } from "../../scripts/command.ts";
import { projectFolder } from "../../scripts/engine/environment.ts";
import {
  initStacks,
  type LabStacks,
  openLabStacks,
  update,
  writeConfiguration,
} from "../../scripts/start/lab-stack.ts";
import { OwnLab } from "./own-lab.ts";

// ACC-3, NET-2, NET-3: a real Salt master behind its gate, and servers behind a NAT that it comes to manage. A lab of its own, for
// the vendor's host becomes another one.

const folder = mkdtempSync(join(tmpdir(), "onprem-salt-"));
const { signal } = new AbortController();
const id = "dev.lab.test";
let lab: OwnLab;
let stacks: LabStacks;
let master: LabMaster;
let external: string;

/** A stack's settings with the minion. */
async function configure(salt: object = {}, stack: "dev" | "test" = "dev", account: object = {}): Promise<void> {
  const settings = labSettings(lab.status, stack === "dev" ? "development" : "test");
  const firewall = settings["os2mo-on-prem:firewall"] as { egress: object };
  const vendor = lab.machine("vendor");
  const { v4 } = vendor.addresses;
  await writeConfiguration(stacks, stack, {
    ...settings,
    "os2mo-on-prem:administrator": { ...(settings["os2mo-on-prem:administrator"] as object), ...account },
    "os2mo-on-prem:firewall": {
      ...firewall,
      egress: { ...firewall.egress, "salt-packages": { ports: [master.port], to: [v4] } },
    },
    "os2mo-on-prem:management": {
      salt: {
        version: saltVersion,
        repository: master.repository,
        masterFingerprint: master.fingerprint,
        gate: {},
        login: { host: v4, user: "deploy", hostKey: vendor.hostKey, privateKeyFile: vendor.login.privateKeyFile },
        ...salt,
      },
    },
  });
}

const up = async (stack = "dev") => {
  const { changes, errors, warnings } = await update(stacks, stack, signal, () => {});
  return { changes, errors: errors.join("\n"), warnings: warnings.join("\n") };
};
const output = async (stack = "dev") => {
  const ran = await finish(
    ["pulumi", "--non-interactive", "-C", projectFolder, "stack", "output", "--stack", stack, "--json"],
    { env: stacks.env },
  );
  return JSON.parse(ran.stdout) as { managed: { externalAddresses?: string[]; answer?: string; fingerprint: string } };
};
const pulumi = async (command: string, stack: string, ...words: string[]) => {
  const file = join(stacks.folder, `Pulumi.${stack}.yaml`);
  const common = ["--non-interactive", "-C", projectFolder, "--stack", stack, "--config-file", file];
  const { code, stdout, stderr } = await finish(["pulumi", command, ...common, ...words], { env: stacks.env });
  return { code, said: stdout + stderr };
};
const fine = async (command: string, stack: string, ...words: string[]) => {
  const { code, said } = await pulumi(command, stack, ...words);
  return { code, said: code === 0 ? "" : said };
};
const destroy = (stack: string) => fine("destroy", stack, "--yes", "--skip-preview");
const gate = () => lab.within("vendor", "nft list set inet salt_gate allowed_v4 | grep -o '198[0-9.]*' || true");
const keys = (which: string) => lab.within("vendor", `ls /etc/salt/pki/master/${which}`);

beforeAll(async () => {
  lab = await OwnLab.up();
  external = await placeNat(lab.status, { first: 30_000, last: 39_999 });
  master = await placeSaltMaster(lab.status.name, () => undefined);
  stacks = await openLabStacks(join(folder, "stacks"), inject("engine"));
  await initStacks(stacks, ["dev", "test"], signal);
}, 400_000);

afterAll(async () => {
  await lab.down();
  rmSync(folder, { recursive: true, force: true });
});

test("the master does not even answer SSH at first: the server is taken to what it must be all the same", async () => {
  await lab.within("vendor", "systemctl stop ssh");
  await configure();
  expect(await fine("preview", "dev")).toEqual({ code: 0, said: "" });
  const { changes, errors, warnings } = await up();
  await lab.within("vendor", "systemctl start ssh");
  const { v4 } = lab.machine("vendor").addresses;
  expect(warnings).toContain(`no ssh on ${v4}:22 (the master ${v4})`);
  expect(warnings).toContain("the rest of the run goes on");
  expect(errors).toContain(`no ssh on ${v4}:22`);
  expect(changes.create).toEqual(expect.arrayContaining(["SaltMinion server-management", "Firewall server-firewall"]));
}, 400_000);

test("the master's ports cannot be reached: the rest of the run completes, and the result says what is left", async () => {
  await lab.within(
    "vendor",
    "nft add table inet cut; nft add chain inet cut in '{ type filter hook input priority -300; }'; nft add rule inet cut in tcp dport '{ 4505, 4506 }' drop",
  );
  await lab.within("vendor", "nft flush set inet salt_gate seen_v4");
  const { errors } = await up();
  await lab.within("vendor", "nft delete table inet cut");
  expect(errors).toContain("nothing of this server has arrived at the master's ports 4505 and 4506 within 60 s");
  expect(await keys("minions")).toBe("");
}, 300_000);

test("one run finds the external address out, lets it in, accepts the server's own key, and hears the minion", async () => {
  await configure({}, "test");
  const [{ errors }, second] = await Promise.all([up(), up("test")]);
  expect([errors, second.errors]).toEqual(["", ""]);
  const { managed } = await output();
  expect(managed.externalAddresses).toEqual([external]);
  expect(managed.answer).toContain(`ok: ${id}: True`);
  expect(managed.answer).toContain("/etc/motd");
  expect(await gate()).toBe(external);
  expect((await keys("minions")).split("\n")).toEqual([id, "test.lab.test"]);
  // What Salt itself says of the key is what was read on the server.
  expect(await lab.within("vendor", `salt-key -f ${id} | grep -o '[0-9a-f][0-9a-f]:.*'`)).toBe(managed.fingerprint);
  expect(await lab.within("vendor", `salt --out=json --static ${id} grains.item customer environment role`)).toContain(
    '"environment": "development"',
  );
}, 240_000);

test("a highstate of the master's leaves the next preview empty", async () => {
  const applied = await lab.within("vendor", `salt --out=json --static ${id} state.apply`);
  expect(applied).toContain('"result": true');
  expect(await lab.within("dev", "cat /etc/motd; sysctl -n net.ipv4.tcp_fin_timeout; id -un vendor")).toBe(
    "Managed by the vendor.\n45\nvendor",
  );
  expect(await fine("preview", "dev", "--expect-no-changes", "--diff")).toEqual({ code: 0, said: "" });
}, 120_000);

test.each(["stranger", "internal"])(
  "everybody else is dropped at the master's ports: from %s, which reaches its SSH",
  async (place) => {
    const netns = lab.status.vantagePoints.find(({ name }) => name === place)?.netns ?? "";
    const { v4 } = lab.machine("vendor").addresses;
    const tried = async (port: number) => {
      const words = ["nsenter", `--net=${netns}`, "bash", "-c", `timeout 3 bash -c '</dev/tcp/${v4}/${port}'`] as const;
      return (await finish(words, { env: process.env })).code;
    };
    expect([await tried(22), await tried(4505), await tried(4506)]).toEqual([0, 124, 124]);
  },
);

test("a master that is out of reach later is a warning, and the server is healed", async () => {
  await lab.within("vendor", "systemctl stop ssh");
  await lab.within("dev", "rm /etc/chrony/chrony.conf");
  const { changes, errors, warnings } = await up();
  await lab.within("vendor", "systemctl start ssh");
  expect(errors).toBe("");
  expect(warnings).toContain("the rest of the run goes on");
  expect(changes.create).toEqual(["File server-baseline-time-servers"]);
}, 180_000);

test("ACC-2, Q-SRV-9: with management connected the administrator is shut out, and let in again", async () => {
  const login = async () => {
    const { privateKeyFile } = lab.machine("dev").login;
    const known = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"];
    return (
      await finish([
        "ssh",
        "-F",
        "none",
        "-i",
        privateKeyFile,
        ...known,
        `os2mo-admin@${lab.machine("dev").addresses.v4}`,
        "sudo -n id -u",
      ])
    ).stdout.trim();
  };
  expect(await login()).toBe("0");
  await configure({}, "dev", { enabled: false });
  expect((await up()).errors).toBe("");
  expect(await login()).toBe("");
  // The master still reaches the server.
  expect(await lab.within("vendor", `salt --out=txt ${id} cmd.run 'id -u'`)).toBe(`${id}: 0`);
  await configure();
  expect((await up()).errors).toBe("");
  expect(await login()).toBe("0");
}, 180_000);

test("the gate loaded anew lets the server in again, and what was taken from it by hand is given back", async () => {
  await lab.within("vendor", "systemctl reload nftables");
  expect(await gate()).toBe(external);
  await lab.within("vendor", `nft delete element inet salt_gate allowed_v4 '{ ${external} }'`);
  const { changes, errors } = await up();
  expect([errors, changes.update]).toEqual(["", expect.arrayContaining(["NftSetElements server-management-gate"])]);
  expect(await gate()).toBe(external);
}, 120_000);

test("a second server behind the same address shares it, and leaves it when it goes", async () => {
  expect(await destroy("test")).toEqual({ code: 0, said: "" });
  expect(await keys("minions")).toBe(id);
  expect(await gate()).toBe(external);
}, 120_000);

test("a stolen name: the intruder's key is kept out, and each run warns of it", async () => {
  // Another machine of the customer's, behind the same NAT, takes the server's name.
  await lab.within(
    "prod",
    `exec >/dev/null 2>&1; curl -fs ${master.repository.uri}/key.asc >/etc/apt/salt.asc; echo 'deb [signed-by=/etc/apt/salt.asc] ${master.repository.uri} ./' >/etc/apt/sources.list.d/salt.list
     apt-get -qq update; apt-get -qq install -y --no-install-recommends salt-minion
     printf 'master: ${lab.machine("vendor").addresses.v4}\\nid: ${id}\\n' >/etc/salt/minion.d/stolen.conf || { mkdir -p /etc/salt/minion.d; printf 'master: ${lab.machine("vendor").addresses.v4}\\nid: ${id}\\n' >/etc/salt/minion.d/stolen.conf; }
     systemctl restart --no-block salt-minion`,
  );
  await until(async () => (await keys("minions_denied")) === id, "the intruder's key was denied");
  expect((await pulumi("preview", "dev", "--diff")).said).toContain(
    "somebody else has shown the master a key under the name dev.lab.test",
  );
  expect(await lab.within("vendor", `salt --out=txt ${id} test.ping`)).toBe(`${id}: True`);
}, 180_000);

test("ours and the intruder's, neither accepted: the run refuses, and says what it may be", async () => {
  await lab.within("prod", "systemctl stop salt-minion");
  await lab.within("dev", "systemctl stop salt-minion");
  await lab.within("vendor", `salt-key -y -d ${id}`);
  await lab.within("prod", "systemctl restart --no-block salt-minion");
  await until(async () => (await keys("minions_pre")) === id, "the intruder's key is pending");
  const { errors } = await up();
  expect(errors).toContain("the master has another key under the name dev.lab.test");
  expect(errors).toContain("somebody else uses its name");
  expect(await keys("minions")).toBe("");
  await lab.within("prod", "systemctl disable --now salt-minion");
  await lab.within("vendor", `salt-key -y -d ${id}`);
  expect((await up()).errors).toBe("");
  expect(await keys("minions")).toBe(id);
}, 240_000);

test("a minion that was installed anew, or got another key, is accepted when replaceKey says so", async () => {
  const refused = "the master has another key under the name dev.lab.test";
  await lab.within(
    "dev",
    "exec >/dev/null 2>&1; apt-get -qq purge -y --allow-change-held-packages salt-minion; rm -rf /etc/salt",
  );
  expect((await up()).errors).toContain(refused);
  await configure({ keyVersion: 2, replaceKey: true });
  expect((await up()).errors).toBe("");
  await configure({ keyVersion: 3 });
  expect((await up()).errors).toContain(refused);
  await configure({ keyVersion: 3, replaceKey: true });
  expect((await up()).errors).toBe("");
  expect(await lab.within("vendor", `salt --out=txt ${id} test.ping`)).toBe(`${id}: True`);
}, 300_000);

test("another master with the same address is not obeyed", async () => {
  await lab.within(
    "vendor",
    "systemctl stop salt-master; mv /etc/salt/pki/master /etc/salt/pki/master.kept; systemctl start salt-master",
  );
  // Without what it remembers of its master: the fingerprint in its configuration alone keeps it from this one.
  await lab.within("dev", "rm /etc/salt/pki/minion/minion_master.pub; systemctl restart salt-minion; sleep 12");
  expect(await lab.within("dev", "ss -Htn state established dport = :4505")).toBe("");
  await lab.within(
    "vendor",
    "systemctl stop salt-master; rm -rf /etc/salt/pki/master; mv /etc/salt/pki/master.kept /etc/salt/pki/master; systemctl start salt-master",
  );
  await lab.within("dev", "systemctl restart --no-block salt-minion");
  await until(
    async () => (await lab.within("vendor", `salt --out=txt ${id} test.ping || true`)) === `${id}: True`,
    "the right one is obeyed",
  );
}, 120_000);

test("a minion whose clock is a year behind is heard all the same", async () => {
  // libfaketime for the one daemon, for the containers share this machine's clock.
  const unit = "/etc/systemd/system/salt-minion.service.d";
  await lab.within(
    "dev",
    `exec >/dev/null 2>&1; apt-get -qq install -y --no-install-recommends faketime; mkdir -p ${unit}
     printf '[Service]\nEnvironment=LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 FAKETIME=-365d FAKETIME_DONT_FAKE_MONOTONIC=1\n' >${unit}/clock.conf
     systemctl daemon-reload; systemctl restart salt-minion`,
  );
  const year = String(new Date(Date.now() - 365 * 86_400_000).getUTCFullYear());
  await until(
    async () => (await lab.within("vendor", `salt --out=txt ${id} cmd.run 'date +%Y' || true`)) === `${id}: ${year}`,
    "heard, and a year behind",
  );
  await lab.within("dev", `rm -r ${unit}; systemctl daemon-reload; systemctl restart salt-minion`);
}, 180_000);

test("destroying the stack takes the key from the master and the address from the gate", async () => {
  await configure({ keyVersion: 3, replaceKey: true });
  expect(await destroy("dev")).toEqual({ code: 0, said: "" });
  expect([await keys("minions"), await keys("minions_pre"), await gate()]).toEqual(["", "", ""]);
  expect(
    await lab.within(
      "dev",
      "ls /etc/salt/pki/minion 2>/dev/null || true; dpkg -s salt-minion 2>/dev/null | grep ^Status || true",
    ),
  ).toBe("");
  expect(
    await lab.within("vendor", "ls /etc/onprem 2>/dev/null || true; ls /etc/systemd/system | grep nftables || true"),
  ).toBe("");
}, 120_000);

/** Waits, at most 60 s, until something is true. */
async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(1000)) if (await isSo()) return;
  throw new Error(`not within a minute: ${what}`);
}
