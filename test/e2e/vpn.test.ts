import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { placeNat } from "../../lab/nat.ts";
import { labSettings } from "../../lab/settings.ts";
import type { ServerName } from "../../lab/status.ts";
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

// ACC-1, ACC-4: a server dials out through a NAT to the vendor's hub, and is managed by that way. A lab of its own, for a hub
// and a NAT are put into it and machines are restarted.

const folder = mkdtempSync(join(tmpdir(), "onprem-vpn-"));
// Of the ranges for benchmarks (RFC 2544), and of no lab that this one meets.
const [hubAddress, serverAddress, tunnelRange] = ["198.19.98.1", "198.19.98.2", "198.19.98.0/24"];
const { signal } = new AbortController();
let lab: OwnLab;
let stacks: LabStacks;
let hubKey: string;
let external: string;
let preshared: string;

const nat = (first: number) => placeNat(lab.status, { first, last: first + 99 });

/** What the stack says, with changes to the server's own login and to the VPN. */
async function configure(server: object = {}, vpn: object = tunnel()): Promise<void> {
  const settings = labSettings(lab.status, "development");
  await writeConfiguration(stacks, "dev", {
    ...settings,
    "os2mo-on-prem:server": { ...(settings["os2mo-on-prem:server"] as object), ...server },
    "os2mo-on-prem:vpn": vpn,
  });
}

function vendorLogin() {
  const { addresses, hostKey, login } = lab.machine("vendor");
  return { host: addresses.v4, user: "deploy", hostKey, privateKeyFile: login.privateKeyFile };
}

function tunnel() {
  const endpoint = `${lab.machine("vendor").addresses.v4}:51820`;
  return {
    wireguard: {
      addresses: [`${serverAddress}/32`],
      keepalive: 1,
      hub: { endpoint, publicKey: hubKey, ranges: [tunnelRange], login: vendorLogin() },
    },
  };
}

/** Waits, at most 45 s, until the hub reaches the server: after a loss either end may ask for a new session only after 15 s. */
async function reached(): Promise<boolean> {
  for (const deadline = Date.now() + 45_000; Date.now() < deadline; await sleep(500)) {
    const answer = await lab
      .within("vendor", `nc -z -w 1 ${serverAddress} 22 && echo yes || echo no`)
      .catch(() => "no");
    if (answer === "yes") return true;
  }
  return false;
}

const endpoints = () => lab.within("vendor", "wg show wg0 endpoints");

beforeAll(async () => {
  lab = await OwnLab.up();
  external = await nat(40_000);
  const address = `Address = ${hubAddress}/24`;
  hubKey = await lab.within(
    "vendor",
    `exec 3>&1 >/dev/null 2>&1; apt-get update; apt-get install -y --no-install-recommends wireguard-tools wireguard-go; umask 077; cd /etc/wireguard; wg genkey >hub.key
     printf '[Interface]\\n${address}\\nListenPort = 51820\\nPostUp = wg set %%i private-key /etc/wireguard/hub.key\\n' >wg0.conf
     systemctl enable --now wg-quick@wg0; wg pubkey <hub.key >&3`,
  );
  preshared = await lab.within("vendor", "wg genpsk");
  stacks = await openLabStacks(join(folder, "stacks"), inject("engine"));
  await initStacks(stacks, ["dev"], signal);
}, 240_000);

afterAll(async () => {
  await lab.down();
  rmSync(folder, { recursive: true, force: true });
});

const up = async () => {
  const { changes, errors } = await update(stacks, "dev", signal, () => {});
  return { changes, errors };
};

test("one run makes the tunnel at both ends, and the hub sees the server at the customer's external address", async () => {
  await configure();
  const { errors } = await up();
  expect(errors).toEqual([]);
  expect(await reached()).toBe(true);
  expect(await endpoints()).toContain(`\t${external}:400`);
  expect(await lab.within("dev", "ls /etc/wireguard")).toBe("wg-os2mo.conf\nwg-os2mo.key");
  const again = await up();
  expect(again).toEqual({ changes: { same: expect.anything() }, errors: [] });
}, 180_000);

test("ACC-4: the server is managed through the tunnel, by the hub", async () => {
  const { user: _, ...way } = vendorLogin();
  await configure({ host: serverAddress, jump: { ...way, user: "deploy" } });
  const { changes, errors } = await up();
  expect([errors, changes.create ?? [], Object.keys(changes).filter((kind) => kind === "delete")]).toEqual([
    [],
    [],
    [],
  ]);
  expect(await lab.within("dev", "ss -Htn state established sport = :22 || true")).toContain(`${serverAddress}:22`);
}, 90_000);

test("the tunnel comes back after a changed NAT port, and after a restart of either end", async () => {
  await nat(41_000);
  expect(await reached(), "after the NAT").toBe(true);
  expect(await endpoints()).toContain(`\t${external}:410`);
  await lab.reboot("dev");
  expect(await reached(), "after the server").toBe(true);
  await lab.reboot("vendor" as ServerName);
  expect(await reached(), "after the hub").toBe(true);
}, 240_000);

test("what the hub has lost is seen, and given back", async () => {
  await configure();
  // A refresh takes the way of the last run, so this one goes back to the other before the tunnel is cut.
  expect((await up()).errors).toEqual([]);
  await lab.within("vendor", "wg set wg0 peer $(wg show wg0 peers) remove");
  const { changes, errors } = await up();
  expect([errors, changes.update]).toEqual([[], expect.arrayContaining(["WireGuardPeer server-vpn-hub"])]);
  expect(await reached()).toBe(true);
  // Its own file loaded anew takes every peer away that does not stand there.
  await lab.within("vendor", "systemctl reload wg-quick@wg0 || systemctl restart wg-quick@wg0");
  expect(await reached(), "after a reload").toBe(true);
}, 120_000);

test("another key and a second secret are a change of the settings, reached by another way than the tunnel", async () => {
  const before = await lab.within("dev", "wg show wg-os2mo public-key");
  const { wireguard } = tunnel();
  await writeSecret({ ...wireguard, keyVersion: 2, presharedKey: preshared });
  expect((await up()).errors).toEqual([]);
  expect(await reached()).toBe(true);
  expect(await lab.within("dev", "wg show wg-os2mo public-key")).not.toBe(before);
  expect(
    await lab.within("vendor", "wg show wg0 peers | wc -l; wg show wg0 preshared-keys | grep -c none || true"),
  ).toBe("1\n0");
  const places = await lab.within(
    "dev",
    "journalctl -q -o json --all --no-pager; cat /proc/[0-9]*/cmdline | tr '\\0' ' '",
  );
  expect(places.includes(preshared)).toBe(false);
  const state = execFileSync("sh", ["-c", 'find "$1" -type f -exec cat {} +', "sh", join(stacks.folder, "state")], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  expect(state.includes(preshared)).toBe(false);
}, 120_000);

/** The engine's own way to write a secret. */
async function writeSecret(wireguard: object): Promise<void> {
  const { presharedKey, ...open } = wireguard as { presharedKey: string };
  await configure({}, { wireguard: open });
  const file = join(stacks.folder, "Pulumi.dev.yaml");
  const words = [
    "--stack",
    "dev",
    "--config-file",
    file,
    "--secret",
    "--path",
    "os2mo-on-prem:vpn.wireguard.presharedKey",
  ];
  const ran = await finish(
    ["pulumi", "--non-interactive", "-C", projectFolder, "config", "set", ...words, presharedKey],
    {
      env: stacks.env,
    },
  );
  if (ran.code !== 0) throw new Error(ran.stderr);
}

describe("the customer's own VPN", () => {
  const away = (ranges: string[]) =>
    configure(
      { host: lab.status.segments.servers.v4.replace(/\.0\/26$/, ".61"), dialTimeout: 3 },
      { customer: { product: "OpenVPN", endpoint: "vpn.kommune.dk", ranges } },
    );

  test("ACC-1: where nothing answers, the error says whether it is the VPN that is down", async () => {
    await away(["10.8.0.0/24"]);
    const down = (await up()).errors.join("\n");
    expect(down).toContain("The VPN looks down: OpenVPN (vpn.kommune.dk)");
    expect(down).toContain(`from ${lab.status.controller.addresses.v4}, which is not of the VPN's 10.8.0.0/24`);
    await away([lab.status.segments.management.v4]);
    expect((await up()).errors.join("\n")).toContain(
      `The VPN is up: OpenVPN (vpn.kommune.dk) has given this machine ${lab.status.controller.addresses.v4}`,
    );
  }, 60_000);
});

test("destroying the stack takes the tunnel away at both ends, and leaves the hub as it was", async () => {
  await configure();
  const file = join(stacks.folder, "Pulumi.dev.yaml");
  const ran = await finish(
    [
      "pulumi",
      "destroy",
      "--non-interactive",
      "-C",
      projectFolder,
      "--stack",
      "dev",
      "--config-file",
      file,
      "--yes",
      "--skip-preview",
    ],
    { env: stacks.env },
  );
  expect({ code: ran.code, said: ran.code === 0 ? "" : ran.stdout + ran.stderr }).toEqual({ code: 0, said: "" });
  expect(await lab.within("dev", "ls -A /etc/wireguard; ip link show wg-os2mo 2>/dev/null || true")).toBe("");
  expect(
    await lab.within("vendor", "ls /etc/wireguard; ls /etc/systemd/system | grep wg-quick || true; wg show wg0 peers"),
  ).toBe("hub.key\nwg0.conf");
}, 90_000);
