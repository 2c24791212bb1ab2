import { describe, expect, it } from "vitest";
import { type WireGuardSeen, wireGuard } from "../../../../infra/provider/resources/wire-guard.ts";
import {
  configurationText,
  lookScript,
  readConfiguration,
  readLive,
} from "../../../../infra/provider/resources/wire-guard-texts.ts";
import { checked } from "../checked.ts";
import { FakeHost } from "../fake-host.ts";

const hub = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";
const other = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
const own = "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=";
const preshared = "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=";
const path = "/etc/wireguard/wg0.conf";

const given = {
  name: "wg0",
  addresses: ["10.99.0.2/32"],
  peers: [{ publicKey: hub, endpoint: "vpn.example.dk:51820", allowedIps: ["10.99.0.0/24"], keepalive: 25 }],
};
const want = checked(wireGuard, given) as Parameters<typeof wireGuard.plan>[0];
const { confirmSeconds: _, ...configured } = want;
const agreed: WireGuardSeen = {
  ...configured,
  file: "ours",
  publicKey: own,
  differs: [],
  enabled: true,
  running: true,
  tunnels: { [hub]: "up" },
};
const text = `# Managed by Pulumi. Private key number 1, made on this host.
[Interface]
Address = 10.99.0.2/32
PostUp = wg set %i private-key /etc/wireguard/%i.key

[Peer]
PublicKey = ${hub}
Endpoint = vpn.example.dk:51820
AllowedIPs = 10.99.0.0/24
PersistentKeepalive = 25
`;
const live = [
  `public-key\t${own}`,
  "listen-port\t37501",
  `allowed-ips\t${hub}\t10.99.0.0/24`,
  `persistent-keepalive\t${hub}\t25`,
  `latest-handshakes\t${hub}\t1700000000`,
  "address\t10.99.0.2/32",
  `key-file\t${own}`,
  "unit\tActiveState=active",
  "unit\tUnitFileState=enabled",
  "now\t1700000030",
  "",
].join("\n");

const host = (file: string | null, told: string) =>
  new FakeHost({
    paths: { [path]: file === null ? null : { content: file, mode: "0600" } },
    looks: { [["sh", "-c", lookScript, "sh", "wg0"].join(" ")]: told },
  });

describe("check", () => {
  it("fills in what is left out, and puts lists in order", () => {
    expect(want).toMatchObject({ listenPort: 0, mtu: 0, keyVersion: 1, presharedKeys: {} });
  });

  it.each([
    [{ name: "wg0/../x" }, "name", "must be the name of an interface, at most 15 characters"],
    [{ addresses: [] }, "addresses", "must name at least one address"],
    [{ addresses: ["999.1.1.1/32"] }, "addresses[0]", "must be an address such as 10.99.0.2/32"],
    [{ addresses: ["10.0.0.1/33"] }, "addresses[0]", "must be an address such as 10.99.0.2/32"],
    [{ addresses: ["fd00:0::1/64"] }, "addresses[0]", "must be an address such as 10.99.0.2/32"],
    [{ addresses: ["10.0.0.1/32\nPostUp = x"] }, "addresses[0]", "must be an address such as 10.99.0.2/32"],
    [{ peers: [{ publicKey: "x", allowedIps: ["10.0.0.0/8"] }] }, "peers[0].publicKey", "must be a WireGuard key"],
    [{ peers: [{ publicKey: hub, allowedIps: [] }] }, "peers[0].allowedIps", "must name at least one range"],
    [{ peers: [{ publicKey: hub, allowedIps: ["0.0.0.0/0"] }] }, "peers[0].allowedIps[0]", "is as good as everything"],
    [{ peers: [{ publicKey: hub, endpoint: "a b:1", allowedIps: ["10.0.0.0/8"] }] }, "peers[0].endpoint", "HOST:PORT"],
    [
      { peers: [given.peers[0], { publicKey: other, allowedIps: ["10.99.0.0/24"] }] },
      "peers[1].allowedIps",
      "is another peer's too",
    ],
    [
      { peers: [given.peers[0], { ...given.peers[0], allowedIps: ["10.0.0.0/8"] }] },
      "peers[1].publicKey",
      "of its own",
    ],
    [{ presharedKeys: { [other]: preshared } }, "presharedKeys", `there is no peer ${other}`],
  ])("%j", (more, property, reason) => {
    expect(checked(wireGuard, { ...given, ...more })).toEqual([{ property, reason: expect.stringContaining(reason) }]);
  });
});

describe("the file of wg-quick", () => {
  it("holds everything but the private key", () => {
    expect(configurationText(want, {})).toBe(text);
    expect(configurationText({ ...want, listenPort: 51820, mtu: 1380 }, { [hub]: preshared })).toContain(
      `ListenPort = 51820\nMTU = 1380\nPostUp = wg set %i private-key /etc/wireguard/%i.key\n\n[Peer]\nPublicKey = ${hub}\nPresharedKey = ${preshared}\n`,
    );
  });

  it("is read as it was written", () => {
    const { name: _, presharedKeys: __, ...rest } = configured;
    const full = { ...rest, listenPort: 51820, mtu: 1380, keyVersion: 7 };
    expect(readConfiguration(configurationText(full, { [hub]: preshared }))).toEqual({
      ...full,
      presharedKeys: { [hub]: preshared },
      ours: true,
    });
  });

  it("is not ours when somebody wrote it, and is read all the same", () => {
    const theirs = `[Interface]\nPrivateKey = x\nAddress = 10.1.0.1/24, fd00::1/64\n[peer]\npublickey=${hub}\nAllowedIPs = 10.1.0.0/24,fd00::/64 # all\nPersistentKeepalive = off\n`;
    expect(readConfiguration(theirs)).toEqual({
      keyVersion: 0,
      addresses: ["10.1.0.1/24", "fd00::1/64"],
      listenPort: 0,
      mtu: 0,
      peers: [{ publicKey: hub, allowedIps: ["10.1.0.0/24", "fd00::/64"], keepalive: 0 }],
      presharedKeys: {},
      ours: false,
    });
  });
});

describe("observe", () => {
  it("sees that all is as wanted", async () => {
    expect(await wireGuard.observe(host(text, live), want)).toEqual(agreed);
  });

  it("sees nothing where nothing is", async () => {
    expect(
      await wireGuard.observe(host(null, "unit\tActiveState=inactive\nunit\tUnitFileState=disabled\n"), want),
    ).toBeUndefined();
  });

  it.each([
    ["an old handshake", { live: ["1700000030", "1700000180"] }, { tunnels: { [hub]: "down" } }],
    ["no handshake", { live: ["\t1700000000", "\t0"] }, { tunnels: { [hub]: "down" } }],
    ["a dead wireguard-go", { live: [/^(public|listen|allowed|persist|latest|addr).*\n/gm, ""] }, { running: false }],
    [
      "another key in the interface",
      { live: [`public-key\t${own}`, `public-key\t${other}`] },
      { differs: ["privateKey"] },
    ],
    ["another address", { live: ["address\t10.99.0.2", "address\t10.99.0.3"] }, { differs: ["addresses"] }],
    ["a range that was taken away", { live: ["\t10.99.0.0/24", "\t(none)"] }, { differs: ["peers"] }],
    ["a file that was changed by hand", { file: ["= 25", "= 25\nPostUp = true"] }, { file: "foreign" }],
  ] as const)("%s", async (_, change, expected) => {
    const edited = (whole: string, edit?: readonly [string | RegExp, string]) =>
      edit ? whole.replace(...edit) : whole;
    const { live: onLive, file: onFile } = change as Record<"live" | "file", readonly [string | RegExp, string]>;
    const seen = await wireGuard.observe(host(edited(text, onFile), edited(live, onLive)), want);
    expect(seen).toEqual({ ...agreed, ...expected, ...("running" in expected ? { tunnels: { [hub]: "down" } } : {}) });
  });

  it("shows a pre-shared key only to the program that gave it", async () => {
    const file = configurationText(want, { [hub]: preshared });
    const told = async (presharedKeys: Record<string, string>) =>
      (await wireGuard.observe(host(file, live), { ...want, presharedKeys }))?.presharedKeys;
    expect(await told({ [hub]: "anything" })).toEqual({ [hub]: preshared });
    expect(await told({})).toEqual({ [hub]: "set" });
  });
});

describe("plan", () => {
  const titles = (seen: WireGuardSeen | undefined, wanted = want) =>
    wireGuard.plan(wanted, seen).map(({ title }) => title);
  const restart = "restart wg-quick@wg0.service";

  it.each<[string, WireGuardSeen | undefined, string[]]>([
    ["agrees", agreed, []],
    ["a tunnel that is down is nothing that a restart here would heal", { ...agreed, tunnels: { [hub]: "down" } }, []],
    [
      "makes everything",
      undefined,
      ["make private key 1 of wg0", `write ${path}`, "enable wg-quick@wg0.service", restart],
    ],
    ["makes another key", { ...agreed, keyVersion: 3 }, ["make private key 1 of wg0", `write ${path}`, restart]],
    ["writes a file again that was changed", { ...agreed, file: "foreign" }, [`write ${path}`, restart]],
    ["brings a dead one up again", { ...agreed, running: false }, [restart]],
    ["loads the file again", { ...agreed, differs: ["peers"] }, [restart]],
    ["enables it, and leaves it running", { ...agreed, enabled: false }, ["enable wg-quick@wg0.service"]],
    ["takes a pre-shared key away", { ...agreed, presharedKeys: { [hub]: "set" } }, [`write ${path}`, restart]],
  ])("%s", (_, seen, expected) => {
    expect(titles(seen)).toEqual(expected);
  });

  it("keeps secrets out of command lines and of what a step says", () => {
    const steps = wireGuard.plan({ ...want, presharedKeys: { [hub]: preshared } }, undefined);
    expect(steps.filter((step) => step.do === "write").map(({ secret }) => secret)).toEqual([true]);
    expect(JSON.stringify(steps.map((step) => (step.do === "run" ? step : step.title)))).not.toContain(preshared);
  });
});

it("warns of a tunnel that is down, and names the key that the other end must know", () => {
  expect(wireGuard.warn?.(want, agreed)).toEqual([]);
  expect(wireGuard.warn?.(want, { ...agreed, tunnels: { [hub]: "down" } })).toEqual([
    `wg0: the tunnel to vpn.example.dk:51820 is down: no handshake for 180 s. Look at the other end, and whether it knows the public key ${own}.`,
  ]);
});

it("refuses an interface that somebody else has made", () => {
  expect(wireGuard.refuse?.(want, { ...agreed, file: "foreign" }, false)?.why).toContain("wg0 exists already");
  expect(wireGuard.refuse?.(want, { ...agreed, file: "foreign" }, true)).toBeUndefined();
  expect(wireGuard.refuse?.(want, agreed, false)).toBeUndefined();
});

it("is guarded: what ran comes back, what is new goes without its file", () => {
  const unit = "wg-quick@wg0.service";
  const files = [path, "/etc/wireguard/wg0.key"];
  expect(wireGuard.guard?.(want, agreed)).toEqual({
    name: "vpn",
    files,
    restore: [
      ["systemctl", "enable", "--", unit],
      ["systemctl", "restart", "--", unit],
    ],
    seconds: 60,
  });
  expect(wireGuard.guard?.(want, undefined)).toEqual({
    name: "vpn",
    files,
    restore: [
      ["systemctl", "disable", "--", unit],
      ["sh", "-c", expect.stringContaining("ip link delete"), "sh", "wg0"],
    ],
    seconds: 60,
  });
});

it("removes all of it, and nothing twice", () => {
  expect(wireGuard.remove(agreed).map(({ title }) => title)).toEqual([
    "stop and disable wg-quick@wg0.service",
    "remove /etc/wireguard/wg0.conf and /etc/wireguard/wg0.key",
  ]);
  const { publicKey: _, ...bare } = agreed;
  expect(wireGuard.remove({ ...bare, file: "absent", enabled: false, running: false })).toEqual([]);
});

it("reads an interface that has no key", () => {
  expect(readLive("public-key\t(none)\nnow\t5\n")).toMatchObject({ peers: [], active: false });
});
