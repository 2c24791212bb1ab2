import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { SshHost } from "../../../infra/provider/host/ssh-host.ts";
import { aptPackage } from "../../../infra/provider/resources/package.ts";
import { type WireGuardSeen, wireGuard } from "../../../infra/provider/resources/wire-guard.ts";
import { machine, lab as theLab } from "../on-lab.ts";
import { byHand, labHost, Managed } from "./lifecycle.ts";

const lab = theLab();
const packages = { packages: { "wireguard-tools": "installed", "wireguard-go": "installed" } };
// Inside the lab's range (RFC 2544), and of no segment of its own.
const [hubAddress, ownAddress, tunnelRange] = ["198.19.99.1", "198.19.99.2", "198.19.99.0/24"];
const preshared = "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=";
const unit = "wg-quick@wg0.service";

let hub: SshHost;
let spoke: SshHost;
const installed: Managed<never, never, never>[] = [];

beforeAll(async () => {
  [hub, spoke] = await Promise.all([labHost(lab, "dev"), labHost(lab, "test")]);
  for (const host of [hub, spoke]) {
    const managed = new Managed(aptPackage, host);
    await managed.apply(packages);
    installed.push(managed as never);
  }
}, 240_000);

afterAll(async () => {
  for (const host of [hub, spoke]) {
    await byHand(host, `systemctl disable --now ${unit} || true; rm -f /etc/wireguard/wg0.*`);
  }
  for (const managed of installed) await managed.destroy();
  await Promise.all([hub.close(), spoke.close()]);
});

const answers = async (host: SshHost, address: string) =>
  (await host.look(["ping", "-c", "1", "-W", "2", address], { exits: [0, 1, 2] })).code === 0;

/** Waits, at most 40 s, until a tunnel answers: an end whose peer has lost the session asks for a new one only after 15 s without an answer. */
async function answered(host: SshHost, address: string): Promise<boolean> {
  for (let tries = 0; tries < 16; tries++) {
    if (await answers(host, address)) return true;
    await sleep(500);
  }
  return false;
}

it("ACC-1, ACC-4: a server dials out to a hub, and the tunnel lives through drift, rotation, and restarts of both ends", async () => {
  const [atHub, atSpoke] = [new Managed(wireGuard, hub), new Managed(wireGuard, spoke)];
  const hubWant = { name: "wg0", addresses: [`${hubAddress}/24`], listenPort: 51820 };
  await atHub.apply(hubWant);
  const hubKey = (atHub.seen as WireGuardSeen).publicKey ?? "";
  const spokeWant = {
    name: "wg0",
    addresses: [`${ownAddress}/32`],
    presharedKeys: { [hubKey]: preshared },
    peers: [
      {
        publicKey: hubKey,
        endpoint: `${machine("dev").addresses.v4}:51820`,
        allowedIps: [tunnelRange],
        keepalive: 1,
      },
    ],
  };
  expect(await atSpoke.apply(spokeWant)).toEqual([
    "make private key 1 of wg0",
    "write /etc/wireguard/wg0.conf",
    `enable ${unit}`,
    `restart ${unit}`,
  ]);
  const spokeKey = (atSpoke.seen as WireGuardSeen).publicKey ?? "";
  expect(await answers(spoke, hubAddress), "a hub that does not know it").toBe(false);
  expect(wireGuard.warn?.(spokeWant as never, await atSpoke.look())).toEqual([expect.stringContaining(spokeKey)]);

  const known = (publicKey: string) => ({
    ...hubWant,
    peers: [{ publicKey, allowedIps: [`${ownAddress}/32`], keepalive: 0 }],
    presharedKeys: { [publicKey]: preshared },
  });
  expect(await atHub.apply(known(spokeKey))).toEqual(["write /etc/wireguard/wg0.conf", `restart ${unit}`]);
  expect(await answered(spoke, hubAddress)).toBe(true);
  expect([await atHub.apply(known(spokeKey)), await atSpoke.apply(spokeWant)]).toEqual([[], []]);
  expect((await atSpoke.look())?.tunnels).toEqual({ [hubKey]: "up" });

  // Private keys are root's alone, and on no command line; the pre-shared one stands in one file.
  const modes = await spoke.look(["stat", "-c", "%a %U", "/etc/wireguard/wg0.key", "/etc/wireguard/wg0.conf"]);
  expect(modes.stdout).toBe("600 root\n600 root\n");

  await byHand(spoke, `wg set wg0 peer "$1" remove`, hubKey);
  expect((await atSpoke.look())?.differs).toEqual(["peers"]);
  expect(await atSpoke.apply(spokeWant)).toEqual([`restart ${unit}`]);
  expect(await answered(spoke, hubAddress)).toBe(true);

  await byHand(
    spoke,
    "kill $(pgrep -x wireguard-go); for _ in 1 2 3 4 5 6 7 8 9; do ip link show wg0 || break; sleep 0.2; done",
  );
  expect((await atSpoke.look())?.running, "the unit stays active when wireguard-go is dead").toBe(false);
  expect(await atSpoke.apply(spokeWant)).toEqual([`restart ${unit}`]);
  expect(await answered(spoke, hubAddress)).toBe(true);

  await byHand(hub, `systemctl restart ${unit}`);
  expect(await answered(spoke, hubAddress), "after a restart of the hub").toBe(true);

  const rotated = { ...spokeWant, keyVersion: 2 };
  expect(await atSpoke.apply(rotated)).toEqual([
    "make private key 2 of wg0",
    "write /etc/wireguard/wg0.conf",
    `restart ${unit}`,
  ]);
  const newKey = (atSpoke.seen as WireGuardSeen).publicKey ?? "";
  expect(newKey).not.toBe(spokeKey);
  await atHub.apply(known(newKey));
  expect(await answered(spoke, hubAddress), "with the new key").toBe(true);

  for (const managed of [atSpoke, atHub]) {
    expect(await managed.destroy()).toEqual([
      `stop and disable ${unit}`,
      "remove /etc/wireguard/wg0.conf and /etc/wireguard/wg0.key",
    ]);
    expect(await managed.destroy()).toEqual([]);
  }
  expect((await spoke.look(["ip", "link", "show", "wg0"], { exits: [1] })).code).toBe(1);
}, 180_000);

it("a tunnel that takes the way by which we come is undone by the server itself", async () => {
  const managed = new Managed(wireGuard, spoke);
  const { v4 } = lab.machines[0]?.addresses ?? { v4: "" };
  const management = `${v4.split(".").slice(0, 3).join(".")}.64/26`;
  const want = {
    name: "wg0",
    addresses: [`${ownAddress}/32`],
    confirmSeconds: 15,
    peers: [
      {
        publicKey: "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=",
        endpoint: "198.19.99.9:51820",
        allowedIps: [management],
        keepalive: 0,
      },
    ],
  };
  await expect(managed.apply(want)).rejects.toThrow("the change vpn on test.lab.test was undone: it cut us off");
  expect(await spoke.inspect("/etc/wireguard/wg0.conf")).toEqual([]);
  expect(await spoke.inspect("/etc/wireguard/wg0.key")).toEqual([]);
  expect((await spoke.look(["systemctl", "is-enabled", unit], { exits: [1] })).stdout).toBe("disabled\n");
  expect((await spoke.look(["ip", "link", "show", "wg0"], { exits: [1] })).code).toBe(1);
}, 240_000);
