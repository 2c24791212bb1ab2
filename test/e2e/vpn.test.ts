import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { hubPeerText } from "../../infra/components/vpn.ts";
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
async function configure(server: object = {}, vpn: object = tunnel(), stack = "dev"): Promise<void> {
  const settings = labSettings(lab.status, "development");
  await writeConfiguration(stacks, stack, {
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

/** Waits until the hub reaches the server: after a loss an end that sends asks for a new session after 15 s. */
async function reached(seconds = 45): Promise<boolean> {
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline; await sleep(500)) {
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
    `exec 3>&1 >/dev/null 2>&1; apt-get update; apt-get install -y --no-install-recommends wireguard-tools wireguard-go; umask 077; cd /etc/wireguard
     printf "[Interface]\\n${address}\\nListenPort = 51820\\nPrivateKey = $(wg genkey)\\n" >wg0.conf
     systemctl enable --now wg-quick@wg0; wg show wg0 public-key >&3`,
  );
  preshared = await lab.within("vendor", "wg genpsk");
  stacks = await openLabStacks(join(folder, "stacks"), inject("engine"));
  await initStacks(stacks, ["dev", "away", "within"], signal);
}, 240_000);

afterAll(async () => {
  await lab.down();
  rmSync(folder, { recursive: true, force: true });
});

const up = async (stack = "dev") => {
  const { changes, errors } = await update(stacks, stack, signal, () => {});
  return { changes, errors };
};

const destroy = async (...more: string[]) => {
  const file = join(stacks.folder, "Pulumi.dev.yaml");
  const words = ["--stack", "dev", "--config-file", file, "--yes", ...more];
  const { code, stdout, stderr } = await finish(
    ["pulumi", "destroy", "--non-interactive", "-C", projectFolder, ...words],
    { env: stacks.env },
  );
  return { code, said: stdout + stderr };
};

test("one run makes the tunnel at both ends, and the hub sees the server at the customer's external address", async () => {
  await configure();
  const { errors } = await up();
  expect(errors).toEqual([]);
  expect(await reached()).toBe(true);
  expect(await endpoints()).toContain(`\t${external}:400`);
  expect(await lab.within("dev", "ls /etc/wireguard")).toBe("wg-os2mo.conf\nwg-os2mo.key");
  const again = await up();
  expect(again).toEqual({ changes: {}, errors: [] });
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
  expect(await lab.within("dev", "journalctl -q -o cat -t sshd | grep Accepted | tail -1")).toContain(
    `from ${hubAddress} `,
  );
  // The first deletion would cut the way to all that is left.
  const { code, said } = await destroy();
  expect([code === 0, said]).toEqual([false, expect.stringContaining("protect")]);
  expect(await reached()).toBe(true);
  expect((await up()).changes).toEqual({});
}, 180_000);

test("the tunnel comes back after a changed NAT port, and after a restart of either end", async () => {
  await nat(41_000);
  expect(await reached(), "after the NAT").toBe(true);
  expect(await endpoints()).toContain(`\t${external}:410`);
  await lab.reboot("dev");
  expect(await reached(), "after the server").toBe(true);
  await lab.reboot("vendor" as ServerName);
  // A hub that has forgotten where the server is waits for it, and keepalives alone make that renew a session only after 120 s.
  expect(await reached(150), "after the hub").toBe(true);
}, 240_000);

test("what the hub has lost is seen, and given back", async () => {
  await configure();
  // A refresh takes the way of the last run, so this one goes back to the other before the tunnel is cut.
  expect((await up()).errors).toEqual([]);
  await lab.within("vendor", "wg set wg0 peer $(wg show wg0 peers) remove");
  const { changes, errors } = await up();
  expect([errors, changes.update]).toEqual([[], expect.arrayContaining(["WireGuardPeer server-vpn-hub"])]);
  // A new session at once, in place of the two minutes that keepalives take for it.
  const renew = () => lab.within("dev", "systemctl restart wg-quick@wg-os2mo");
  await renew();
  expect(await reached()).toBe(true);
  // Its own file loaded anew takes every peer away that does not stand there.
  await lab.within("vendor", "systemctl reload wg-quick@wg0");
  await renew();
  expect(await reached(), "after a reload").toBe(true);
  // The snippet for a hub without a login, of another server, takes nobody's peer away.
  const other = await lab.within("vendor", "wg genkey | wg pubkey");
  const { wireguard } = tunnel();
  const text = hubPeerText(
    {
      tunnel: {
        ...wireguard,
        addresses: ["198.19.98.3/32"],
        hub: { ...wireguard.hub, interface: "wg0" },
        presharedKey: preshared,
      } as never,
      hostname: "x",
    },
    other,
  );
  const command = /then: (.*)$/m.exec(text)?.[1];
  await lab.within(
    "vendor",
    `cp /etc/wireguard/wg0.conf /root/; printf '%s' '${text}' >>/etc/wireguard/wg0.conf; ${command}`,
  );
  expect(await lab.within("vendor", "wg show wg0 allowed-ips | cut -f 2 | sort")).toBe(
    "198.19.98.2/32\n198.19.98.3/32",
  );
  await lab.within("vendor", `mv /root/wg0.conf /etc/wireguard/; ${command}`);
}, 120_000);

test("a key that somebody made anew on the server is seen, and the hub is told of it", async () => {
  await lab.within(
    "dev",
    "umask 077; wg genkey >/etc/wireguard/wg-os2mo.key; systemctl restart wg-quick@wg-os2mo; wg show wg-os2mo public-key",
  );
  const key = await lab.within("dev", "wg show wg-os2mo public-key");
  const { changes, errors } = await up();
  expect([errors, changes.update]).toEqual([[], expect.arrayContaining(["WireGuardPeer server-vpn-hub"])]);
  expect(await lab.within("vendor", "wg show wg0 peers")).toBe(key);
  expect(await reached()).toBe(true);
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
  const unreached = async (stack: string, ranges: string[]) => {
    const server = { host: lab.status.segments.servers.v4.replace(/\.0\/26$/, ".61"), dialTimeout: 3 };
    const customer = { product: "OpenVPN", endpoint: "vpn.kommune.dk", ranges };
    await configure(server, { customer }, stack);
    return (await up(stack)).errors.join("\n");
  };

  test("ACC-1: where nothing answers, the error says whether it is the VPN that is down", async () => {
    const here = lab.status.controller.addresses.v4;
    const down = await unreached("away", ["10.8.0.0/24"]);
    expect(down).toContain("The VPN looks down: OpenVPN (vpn.kommune.dk)");
    expect(down).toContain(`from ${here}, which is not of the VPN's 10.8.0.0/24`);
    expect(await unreached("within", [lab.status.segments.management.v4])).toContain(
      `The VPN is up: OpenVPN (vpn.kommune.dk) has given this machine ${here}`,
    );
  }, 60_000);
});

test("destroying the stack takes the tunnel away at both ends, and leaves the hub as it was", async () => {
  await configure();
  const { code, said } = await destroy("--skip-preview");
  expect({ code, said: code === 0 ? "" : said }).toEqual({ code: 0, said: "" });
  expect(
    await lab.within("dev", "ls -A /etc/wireguard 2>/dev/null || true; ip link show wg-os2mo 2>/dev/null || true"),
  ).toBe("");
  expect(
    await lab.within("vendor", "ls /etc/wireguard; ls /etc/systemd/system | grep wg-quick || true; wg show wg0 peers"),
  ).toBe("wg0.conf");
}, 90_000);
