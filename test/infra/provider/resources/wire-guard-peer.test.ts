import { describe, expect, it } from "vitest";
import { type WireGuardPeerSeen, wireGuardPeer } from "../../../../infra/provider/resources/wire-guard-peer.ts";
import {
  bootText,
  peerLookScript,
  peerText,
  readPeerFile,
  readPeerLive,
} from "../../../../infra/provider/resources/wire-guard-peer-texts.ts";
import { checked } from "../checked.ts";
import { FakeHost } from "../fake-host.ts";

const server = "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=";
const other = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
const preshared = "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=";
const path = "/etc/wireguard/wg0.peers/os2mo.kommune.dk.conf";
const dropIn = "/etc/systemd/system/wg-quick@wg0.service.d/onprem-peers.conf";

const given = { interface: "wg0", name: "os2mo.kommune.dk", publicKey: server, allowedIps: ["10.99.0.2/32"] };
const want = checked(wireGuardPeer, given) as Parameters<typeof wireGuardPeer.plan>[0];
const agreed: WireGuardPeerSeen = {
  ...want,
  file: "ours",
  atBoot: true,
  up: true,
  differs: [],
  taken: {},
  tunnel: "up",
};
const live = [
  `allowed-ips\t${server}\t10.99.0.2/32`,
  `allowed-ips\t${other}\t10.99.0.3/32`,
  `persistent-keepalive\t${server}\toff`,
  `persistent-keepalive\t${other}\t25`,
  `latest-handshakes\t${server}\t1700000000`,
  `latest-handshakes\t${other}\t0`,
  "up",
  "now\t1700000030",
  "",
].join("\n");

const host = (file: string | null, told: string, boot: string | null = bootText) =>
  new FakeHost({
    paths: {
      [path]: file === null ? null : { content: file, mode: "0600" },
      [dropIn]: boot === null ? null : { content: boot },
    },
    looks: { [["sh", "-c", peerLookScript, "sh", "wg0", path].join(" ")]: told },
  });

describe("check", () => {
  it.each([
    [{ name: "../../etc/passwd" }, "name", "must be a host name"],
    [{ name: "A b" }, "name", "must be a host name"],
    [{ interface: "a;b" }, "interface", "must be the name of an interface"],
    [{ publicKey: "short" }, "publicKey", "must be a WireGuard key"],
    [{ allowedIps: ["0.0.0.0/0"] }, "allowedIps[0]", "is as good as everything"],
    [{ presharedKey: "short" }, "presharedKey", "must be a WireGuard key"],
  ])("%j", (more, property, reason) => {
    expect(checked(wireGuardPeer, { ...given, ...more })).toEqual([
      { property, reason: expect.stringContaining(reason) },
    ]);
  });
});

it("reads its file as it was written, and knows one that somebody changed", () => {
  const all = { publicKey: server, presharedKey: preshared, allowedIps: ["10.99.0.2/32", "fd00::2/128"], keepalive: 5 };
  expect(readPeerFile(peerText(all))).toEqual({ ...all, ours: true });
  expect(readPeerFile(`${peerText(all)}\n[Peer]\nPublicKey = ${other}\n`).ours).toBe(false);
});

describe("observe", () => {
  it("sees that all is as wanted, and nothing of other peers", async () => {
    expect(await wireGuardPeer.observe(host(peerText(want), live), want)).toEqual(agreed);
  });

  it.each([
    ["a peer that the interface has lost", `allowed-ips\t${server}\t10.99.0.2/32\n`, "", ["absent"]],
    ["another range", "10.99.0.2/32", "10.99.0.9/32", ["allowedIps"]],
    ["another pre-shared key", "up\n", "up\npreshared-differs\n", ["presharedKey"]],
  ])("%s", async (_, from, to, differs) => {
    const seen = await wireGuardPeer.observe(host(peerText(want), live.replace(from, to)), want);
    expect(seen?.differs).toEqual(differs);
  });

  it("sees an old handshake, an interface that is down, and a boot without the peer", async () => {
    expect((await wireGuardPeer.observe(host(peerText(want), live.replace("0030", "0180")), want))?.tunnel).toBe(
      "down",
    );
    expect(await wireGuardPeer.observe(host(peerText(want), "now\t5\n", null), want)).toMatchObject({
      up: false,
      atBoot: false,
      differs: [],
    });
  });

  it("finds nothing to import where there is no file", async () => {
    expect(await wireGuardPeer.observe(host(null, live), { interface: "wg0", name: "os2mo.kommune.dk" })).toBe(
      undefined,
    );
  });

  it("shows a pre-shared key only to the program that gave it", async () => {
    const file = peerText({ ...want, presharedKey: preshared });
    const told = async (more: object) =>
      (await wireGuardPeer.observe(host(file, live), { ...want, ...more }))?.presharedKey;
    expect([await told({ presharedKey: other }), await told({})]).toEqual([preshared, "set"]);
  });
});

describe("plan", () => {
  const titles = (seen: WireGuardPeerSeen | undefined, wanted = want) =>
    wireGuardPeer.plan(wanted, seen).map(({ title }) => title);
  const load = `load ${path} into wg0`;

  it.each<[string, WireGuardPeerSeen, string[]]>([
    ["agrees", agreed, []],
    [
      "makes everything",
      { ...agreed, file: "absent", atBoot: false },
      [
        `make the folder of ${dropIn}`,
        `write ${dropIn}`,
        "let systemd read its units anew",
        `make the folder of ${path}`,
        `write ${path}`,
        load,
      ],
    ],
    ["gives the interface back what it lost", { ...agreed, differs: ["absent"] }, [load]],
    [
      "takes the old key away",
      { ...agreed, publicKey: other },
      [`write ${path}`, `take the peer ${other} from wg0`, load],
    ],
    [
      "takes a pre-shared key away, which the interface would keep",
      { ...agreed, presharedKey: "set" },
      [`write ${path}`, `take the peer ${server} from wg0`, load],
    ],
    ["leaves a tunnel alone that is down", { ...agreed, tunnel: "down" }, []],
  ])("%s", (_, seen, expected) => {
    expect(titles(seen)).toEqual(expected);
  });

  it("keeps the pre-shared key out of command lines and of what a step says", () => {
    const steps = wireGuardPeer.plan({ ...want, presharedKey: preshared }, { ...agreed, file: "absent" });
    expect(JSON.stringify(steps.map((step) => (step.do === "run" ? step : step.title)))).not.toContain(preshared);
    expect(steps.flatMap((step) => (step.do === "write" && step.path === path ? [step.secret] : []))).toEqual([true]);
  });
});

it("refuses a hub without the interface, and an address that another peer has", () => {
  expect(wireGuardPeer.refuse?.(want, { ...agreed, file: "absent", up: false }, false)?.why).toBe(
    "there is no WireGuard interface wg0 on it, or it is down",
  );
  const taken = { ...agreed, file: "absent" as const, taken: { "10.99.0.2/32": other } };
  expect(wireGuardPeer.refuse?.(want, taken, false)?.why).toContain(
    `10.99.0.2/32 belongs to another peer of wg0: ${other}`,
  );
  expect(wireGuardPeer.refuse?.(want, { ...agreed, file: "absent" }, false)).toBeUndefined();
  expect(wireGuardPeer.refuse?.(want, { ...agreed, file: "foreign" }, false)?.why).toContain("exists already");
});

it("knows who has an address", async () => {
  const seen = await wireGuardPeer.observe(host(null, live), { ...want, allowedIps: ["10.99.0.3/32"] });
  expect(seen?.taken).toEqual({ "10.99.0.3/32": other });
});

it("removes its own, and only what is there", () => {
  expect(wireGuardPeer.remove(agreed).map(({ title }) => title)).toEqual([
    `take the peer ${server} from wg0`,
    `remove ${path}`,
  ]);
  expect(wireGuardPeer.remove({ ...agreed, up: false }).map(({ title }) => title)).toEqual([`remove ${path}`]);
  expect(wireGuardPeer.remove({ ...agreed, file: "absent" })).toEqual([]);
});

it("is imported by interface and name", () => {
  expect(wireGuardPeer.named("wg0,os2mo.kommune.dk")).toEqual({ interface: "wg0", name: "os2mo.kommune.dk" });
  expect([wireGuardPeer.named("wg0"), wireGuardPeer.named("wg0,a,b")]).toEqual([undefined, undefined]);
});

it("reads an interface without peers", () => {
  expect(readPeerLive("up\nnow\t5\n")).toEqual({ up: true, peers: {}, presharedDiffers: false });
});
