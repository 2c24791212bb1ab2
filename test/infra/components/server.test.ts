import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { openings, outwardOpenings, Server, sizeText } from "../../../infra/components/server.ts";
import { vendorRecords } from "../../../infra/settings/records.ts";
import { readSettings } from "../../../infra/settings.ts";
import { type Made, resourcesOf } from "./mocks.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDdqT5hBnDX7qx1GZXAXDZ9BmNF4Yl4IN8ZGdXS4hLdB";

function settingsWith(changes: Record<string, unknown> = {}) {
  const config = {
    customer: { name: "Nærum Kommune", domain: "naerum.dk" },
    server: { host: "10.20.0.13", hostKey: key, privateKeyFile: "~/.ssh/id_ed25519", user: "ubuntu" },
    firewall: {
      management: ["10.99.0.0/24"],
      internal: ["10.0.0.0/8"],
      saltMaster: ["10.99.0.4"],
      egress: { time: { protocol: "udp", ports: [123], to: ["10.20.0.1"] } },
    },
    administrator: { keys: [`${key} anne`] },
    time: { servers: ["10.20.0.1"] },
    ...changes,
  };
  const text = Object.entries(config).map(([name, value]) => [`os2mo-on-prem:${name}`, JSON.stringify(value)]);
  return readSettings("prod", Object.fromEntries(text));
}

const factsOf = (machineId: string) => ({
  "onprem:linux:Facts": {
    machineId,
    os: { id: "ubuntu", release: "20.04", codename: "focal", prettyName: "Ubuntu 20.04.6 LTS" },
    cores: 4,
    memory: { bytes: 16 * 2 ** 30, source: "installed" },
    addresses: { ens18: { v4: ["10.20.0.13"], v6: [] } },
    disk: { name: "sda", bytes: 64_424_509_440, source: "disk", rotational: false },
  },
});

async function made(changes: Record<string, unknown> = {}, machineId = "first"): Promise<Made[]> {
  const settings = settingsWith(changes);
  const actions = { host: settings.server.host };
  return resourcesOf(() => void new Server("server", { settings, actions }), factsOf(machineId));
}

const inputsOf = (resources: readonly Made[], name: string) => resources.find((one) => one.name === name)?.inputs;

test("a server is made of exactly these resources", async () => {
  const names = (await made()).map(({ type, name }) => `${type} ${name}`).sort();
  expect(names).toEqual([
    "command:remote:Command server-verification",
    "onprem:dns:DnsRecords server-records",
    "onprem:linux:Directory server-baseline-journal-folder",
    "onprem:linux:Facts server-preflight",
    "onprem:linux:File server-baseline-journal-bounds",
    "onprem:linux:File server-baseline-time-options",
    "onprem:linux:File server-baseline-time-servers",
    "onprem:linux:File server-baseline-updates-policy",
    "onprem:linux:Firewall server-firewall",
    "onprem:linux:Hostname server-baseline-hostname",
    "onprem:linux:Package server-baseline-packages",
    "onprem:linux:Sshd server-baseline-sshd",
    "onprem:linux:Sysctl server-baseline-network",
    "onprem:linux:SystemdUnit server-baseline-apt-daily",
    "onprem:linux:SystemdUnit server-baseline-apt-daily-upgrade",
    "onprem:linux:SystemdUnit server-baseline-journal",
    "onprem:linux:SystemdUnit server-baseline-time",
    "onprem:linux:TimeZone server-baseline-time-zone",
    "onprem:linux:User server-baseline-administrator",
    "os2mo:server:Baseline server-baseline",
    "os2mo:server:Firewall server-firewall",
    "os2mo:server:Server server",
    "pulumi:providers:onprem server",
  ]);
});

test("SRV-3, SRV-4, SRV-5, SRV-6: the server is looked at with the guide's sizes before anything else", async () => {
  const resources = await made();
  expect(inputsOf(resources, "server-preflight")?.require).toEqual({
    cores: 4,
    memoryGiB: 16,
    diskGB: 60,
    ssd: true,
    os: [{ id: "ubuntu", releases: ["20.04"] }],
  });
});

test("nothing is made on the server until it was looked at and has what it must", async () => {
  const settings = settingsWith();
  let meanwhile: string[] = [];
  await resourcesOf(
    () => void new Server("server", { settings, actions: { host: settings.server.host } }),
    factsOf("first"),
    async ({ type }, resources) => {
      if (type !== "onprem:linux:Facts") return;
      await setTimeout(300);
      meanwhile = resources.map((resource) => resource.type).sort();
    },
  );
  expect(meanwhile).toEqual(["onprem:linux:Facts", "os2mo:server:Server", "pulumi:providers:onprem"]);
});

test("the provider logs in as the settings say, and messages name the server; what documents alone need is not its business", async () => {
  const { server } = settingsWith();
  const resources = await made({ server: { ...server, hostname: undefined, address: "10.30.0.13" } });
  expect(resources.find(({ type }) => type === "pulumi:providers:onprem")?.inputs).toEqual({
    host: "10.20.0.13",
    port: 22,
    user: "ubuntu",
    hostKey: key,
    privateKeyFile: "~/.ssh/id_ed25519",
    dialTimeout: 120,
    label: "os2mo.naerum.dk",
  });
});

test("ACC-2: the provider knows the other logins as text, and a key in one is a secret", async () => {
  const initial = { user: "ubuntu", password: true };
  const previous = { privateKeyFile: "~/.ssh/old" };
  const server = { host: "10.20.0.13", hostKey: key, user: "os2mo-admin", initial, previous };
  const inputs = (await made({ server })).find(({ type }) => type === "pulumi:providers:onprem")?.inputs;
  expect([inputs?.initial, inputs?.previous]).toEqual([JSON.stringify(initial), JSON.stringify(previous)]);
});

test("ACC-2: the SSH server is hardened only after the administrator is there", async () => {
  let meanwhile: string[] = [];
  const settings = settingsWith();
  await resourcesOf(
    () => void new Server("server", { settings, actions: { host: settings.server.host } }),
    factsOf("first"),
    async ({ type }, resources) => {
      if (type !== "onprem:linux:User") return;
      await setTimeout(300);
      meanwhile = resources.map((resource) => resource.type);
    },
  );
  expect(meanwhile).toContain("onprem:linux:User");
  expect(meanwhile).not.toContain("onprem:linux:Sshd");
});

test("Q-SRV-9, ACC-2: the one administrator account has a way in until it is disabled", async () => {
  expect(inputsOf(await made(), "server-baseline-administrator")).toEqual({
    name: "os2mo-admin",
    comment: "OS2mo administrator",
    authorizedKeys: [`${key} anne`],
    sudo: "all-nopasswd",
    adopt: true,
  });
  const salt = { version: "3007.15", masterFingerprint: Array(32).fill("ab").join(":") };
  const disabled = await made({ administrator: { enabled: false }, management: { salt } });
  expect(inputsOf(disabled, "server-baseline-administrator")).toEqual({
    name: "os2mo-admin",
    comment: "OS2mo administrator",
    shell: "/usr/sbin/nologin",
    adopt: true,
  });
});

test.each([
  { user: "ubuntu", permitRootLogin: "no" },
  { user: "root", permitRootLogin: "prohibit-password" },
])("when $user logs in, root may: $permitRootLogin", async ({ user, permitRootLogin }) => {
  const server = { host: "10.20.0.13", hostKey: key, user };
  expect(inputsOf(await made({ server }), "server-baseline-sshd")?.permitRootLogin).toBe(permitRootLogin);
});

test("an ECDSA host key stays where the server is known by it, and goes elsewhere", async () => {
  const ecdsa =
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=";
  const without = async (hostKey: string[]) => {
    const server = { host: "10.20.0.13", hostKey, user: "ubuntu" };
    return inputsOf(await made({ server }), "server-baseline-sshd")?.withoutHostKeys;
  };
  expect([await without([key]), await without([key, ecdsa])]).toEqual([undefined, []]);
});

test("where the clock must not be set, the time service runs and only measures", async () => {
  const real = inputsOf(await made(), "server-baseline-time");
  const container = inputsOf(await made({ time: { servers: ["10.20.0.1"], adjust: false } }), "server-baseline-time");
  expect([real?.dropIns, container?.dropIns]).toEqual([undefined, { onprem: "[Unit]\nConditionCapability=\n" }]);
});

test("the verification is done again when what it looks at changes, and not for another", async () => {
  const triggers = async (changes?: Record<string, unknown>, machineId?: string) =>
    inputsOf(await made(changes, machineId), "server-verification")?.triggers;
  const usual = await triggers();
  expect(await triggers({ customer: { name: "Ny", domain: "naerum.dk" } })).toEqual(usual);
  expect(await triggers({ journal: { keepDays: 7 } })).not.toEqual(usual);
  expect(await triggers({}, "installed anew")).not.toEqual(usual);
});

test("NET-1, Q-SRV-5: the outputs say what is open to whom", () => {
  expect(openings(settingsWith())).toEqual([
    { ports: [22], from: ["10.99.0.0/24"] },
    { ports: [80, 443], from: ["10.0.0.0/8"] },
  ]);
});

test("NET-2, Q-SRV-3, Q-SRV-6: the outputs say what is open outward, the connection to the vendor first", () => {
  const egress = {
    time: { protocol: "udp", ports: [123], to: ["10.20.0.1"] },
    packages: { ports: [80, 443], to: ["10.30.0.0/24", "fd00:30::/64"] },
  };
  const firewall = { management: ["10.99.0.0/24"], internal: ["10.0.0.0/8"], saltMaster: ["10.99.0.4", "fd00::4"] };
  expect(outwardOpenings(settingsWith({ firewall: { ...firewall, egress } }))).toEqual([
    { name: "salt", protocol: "tcp", ports: [4505, 4506], to: ["10.99.0.4/32", "fd00::4/128"] },
    { name: "packages", protocol: "tcp", ports: [80, 443], to: ["10.30.0.0/24", "fd00:30::/64"] },
    { name: "time", protocol: "udp", ports: [123], to: ["10.20.0.1/32"] },
  ]);
});

test.each([
  {
    disk: { bytes: 64_424_509_440, source: "disk" },
    text: "4 cores, 15.6 GiB of memory, disk of 64 GB",
  },
  {
    disk: { bytes: 59_999_999_999, source: "file system" },
    text: "4 cores, 15.6 GiB of memory, file system of 59 GB",
  },
])("Q-SRV-20: $text", ({ disk, text }) => {
  expect(sizeText([4, { bytes: 16_800_000_000 }, disk])).toBe(text);
});

const ofType = (resources: readonly Made[], type: string) =>
  resources.find((one) => one.type === `onprem:linux:${type}`)?.inputs;

const hubKey = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";
const wireguard = {
  addresses: ["10.99.0.2/24", "fd00:99::2/64"],
  hub: { endpoint: "10.66.0.20:51820", publicKey: hubKey, ranges: ["10.99.0.0/24"] },
};

test("ACC-1: a server behind a VPN is reached with the VPN's name at hand, and SSH is open to those who come by it", async () => {
  const customer = { product: "OpenVPN", endpoint: "vpn.naerum.dk", ranges: ["10.20.30.0/24"] };
  const resources = await made({ vpn: { customer } });
  expect(resources.find(({ type }) => type === "pulumi:providers:onprem")?.inputs.vpn).toBe(
    JSON.stringify({ name: "OpenVPN (vpn.naerum.dk)", ranges: ["10.20.30.0/24"] }),
  );
  const { inbound } = ofType(resources, "Firewall") as { inbound: { ssh: { from: string[] } } };
  expect(inbound.ssh.from).toEqual(["10.99.0.0/24", "10.20.30.0/24"]);
});

test("ACC-4: the tunnel is the server's own, with the program that its kernel lacks", async () => {
  const resources = await made({ vpn: { wireguard } });
  expect(inputsOf(resources, "server-vpn-packages")).toEqual({
    packages: { "wireguard-tools": "installed", "wireguard-go": "installed" },
  });
  expect(ofType(resources, "WireGuard")).toMatchObject({
    name: "wg-os2mo",
    peers: [{ publicKey: hubKey, endpoint: "10.66.0.20:51820", allowedIps: ["10.99.0.0/24"], keepalive: 25 }],
  });
  expect(resources.filter(({ type }) => type === "onprem:linux:WireGuardPeer")).toEqual([]);
});

test("ACC-1: the hub's side is kept by a connection of its own where its login is known", async () => {
  const login = { host: "10.66.0.20", hostKey: key, user: "ops", agent: "/run/agent" };
  const resources = await made({ vpn: { wireguard: { ...wireguard, hub: { ...wireguard.hub, login } } } });
  // A hub that cannot be reached is no reason to leave the server alone.
  expect(inputsOf(resources, "server-vpn-hub")).toMatchObject({ aside: true, dialTimeout: 30 });
  const peer = resources.find(({ type }) => type === "onprem:linux:WireGuardPeer");
  expect(peer?.inputs).toMatchObject({
    interface: "wg0",
    name: "os2mo.naerum.dk",
    allowedIps: ["10.99.0.2/32", "fd00:99::2/128"],
  });
  expect(resources.filter(({ type }) => type === "pulumi:providers:onprem").map(({ inputs }) => inputs.user)).toEqual([
    "ubuntu",
    "ops",
  ]);
});

test("DNS-3, Q-SRV-12: the customer's two records are looked at, and the outputs say what the vendor's zone needs", async () => {
  const [host, suffix] = ["os2mo.naerum.dk", "os2mo-on-prem.magentahosted.dk"];
  const records = { [host]: `${host}.${suffix}`, [`_acme-challenge.${host}`]: `_acme-challenge.${host}.${suffix}` };
  const resources = await made({ dns: { resolvers: ["9.9.9.9"] } });
  expect(inputsOf(resources, "server-records")).toEqual({
    records,
    resolvers: ["9.9.9.9"],
    issuers: ["letsencrypt.org"],
    require: false,
  });
  expect(inputsOf(await made({ dns: { verify: false } }), "server-records")).toBeUndefined();
  expect(vendorRecords(settingsWith())).toEqual([
    { owner: `${host}.${suffix}`, type: "A", value: "10.20.0.13" },
    { owner: `_acme-challenge.${host}.${suffix}`, type: "TXT" },
  ]);
});
