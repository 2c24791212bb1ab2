import { describe, expect, test } from "vitest";
import { Failure } from "../../infra/provider/failure.ts";
import { SettingsMistaken } from "../../infra/settings/mistakes.ts";
import { readSettings, warnings } from "../../infra/settings.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDdqT5hBnDX7qx1GZXAXDZ9BmNF4Yl4IN8ZGdXS4hLdB";

type Tree = Record<string, unknown>;

/** The least that a stack must say. */
const least = {
  customer: { name: "Nærum Kommune", domain: "naerum.dk" },
  server: { host: "10.20.0.13", hostKey: key },
  firewall: {
    management: ["10.99.0.0/24"],
    internal: ["10.0.0.0/8", "fd00::/8"],
    saltMaster: ["10.99.0.4"],
    egress: { time: { protocol: "udp", ports: [123], to: ["10.20.0.1"] } },
  },
  administrator: { keys: [`${key} anne@naerum`] },
  time: { servers: ["ntp.naerum.dk"] },
} satisfies Tree;

/** The configuration as the engine hands it over. */
function config(tree: Tree): Record<string, string> {
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => [
      `os2mo-on-prem:${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

/** The least with values put at paths; `undefined` takes one away. */
function changed(changes: Record<string, unknown>): Tree {
  const tree = structuredClone(least) as Tree;
  for (const [path, value] of Object.entries(changes)) {
    const steps = path.split("/");
    const last = steps.pop() as string;
    const parent = steps.reduce<Tree>((inner, step) => {
      inner[step] ??= {};
      return inner[step] as Tree;
    }, tree);
    if (value === undefined) delete parent[last];
    else parent[last] = value;
  }
  return tree;
}

function mistakes(changes: Record<string, unknown>, stack = "prod", secretKeys: string[] = []): string[] {
  try {
    readSettings(stack, config(changed(changes)), secretKeys);
    return [];
  } catch (error) {
    if (!(error instanceof SettingsMistaken)) throw error;
    return error.mistakes.map(({ path, reason }) => `${path} ${reason}`);
  }
}

test("the least that a stack must say becomes complete settings", () => {
  expect(readSettings("prod", config(least))).toEqual({
    stack: "prod",
    environment: "production",
    customer: { name: "Nærum Kommune", domain: "naerum.dk" },
    server: {
      host: "10.20.0.13",
      port: 22,
      user: "root",
      hostKey: key,
      agent: "$SSH_AUTH_SOCK",
      hostname: "os2mo.naerum.dk",
      dialTimeout: 120,
    },
    requirements: { profile: "2020", override: {} },
    firewall: {
      management: ["10.99.0.0/24"],
      internal: ["10.0.0.0/8", "fd00::/8"],
      saltMaster: ["10.99.0.4/32"],
      egress: { time: { protocol: "udp", ports: [123], to: ["10.20.0.1/32"] } },
    },
    dns: {
      suffix: "os2mo-on-prem.magentahosted.dk",
      resolvers: [],
      verify: true,
      issuers: ["letsencrypt.org"],
      adopt: false,
    },
    https: {},
    vpn: {},
    management: {},
    administrator: { name: "os2mo-admin", keys: [`${key} anne@naerum`], enabled: true },
    time: { servers: ["ntp.naerum.dk"], zone: "Europe/Copenhagen", adjust: true },
    updates: { reboot: true, rebootAt: "04:00" },
    journal: { maxUse: "1G", keepDays: 90 },
  });
});

test("everything that a stack can say is kept", () => {
  const jump = { host: "jump.naerum.dk", port: 2222, user: "hop", hostKey: [key], privateKey: "text" };
  const settings = readSettings(
    "kunde-a",
    config(
      changed({
        environment: "test",
        "server/hostname": "mo.naerum.dk",
        "server/address": "10.30.0.13",
        "server/hostKey": [key, key],
        "server/user": "ubuntu",
        "server/privateKeyFile": "~/.ssh/id_ed25519",
        "server/passphrase": "words",
        "server/jump": jump,
        "requirements/profile": 2026,
        "requirements/override": { cores: 6, releases: { ubuntu: ["22.04", "24.04"] } },
        "updates/reboot": false,
      }),
    ),
    ["os2mo-on-prem:server"],
  );
  expect(settings.environment).toBe("test");
  expect(settings.server).toEqual({
    host: "10.20.0.13",
    port: 22,
    user: "ubuntu",
    hostKey: `${key}\n${key}`,
    privateKeyFile: "~/.ssh/id_ed25519",
    passphrase: "words",
    hostname: "mo.naerum.dk",
    address: "10.30.0.13",
    dialTimeout: 120,
    jump: { ...jump, hostKey: key },
  });
  expect(settings.requirements).toEqual({
    profile: "2026",
    override: { cores: 6, releases: { ubuntu: ["22.04", "24.04"] } },
  });
  expect(settings.updates).toEqual({ reboot: false, rebootAt: "04:00" });
});

test("ACC-2: other logins than the administrator's own ask the SSH agent unless they say otherwise", () => {
  const read = (more: Record<string, unknown>) => {
    const { initial, previous } = readSettings(
      "prod",
      config(changed({ "server/user": "os2mo-admin", ...more })),
    ).server;
    return { initial, previous };
  };
  const agent = "$SSH_AUTH_SOCK";
  expect(read({ "server/initial": { user: "ubuntu" }, "server/previous": {} })).toEqual({
    initial: { user: "ubuntu", agent },
    previous: { agent },
  });
  const initial = { user: "ubuntu", password: true };
  const previous = { privateKeyFile: "~/old" };
  expect(read({ "server/initial": initial, "server/previous": previous })).toEqual({ initial, previous });
});

test("a jump host without a way of its own is logged in to as the server is", () => {
  const jump = { host: "jump.naerum.dk", hostKey: key };
  const read = (changes: Record<string, unknown>) => readSettings("prod", config(changed(changes))).server.jump;
  const login = { ...jump, port: 22, user: "root" };
  expect(read({ "server/jump": jump })).toEqual({ ...login, agent: "$SSH_AUTH_SOCK" });
  expect(read({ "server/jump": jump, "server/privateKeyFile": "~/a" })).toEqual({ ...login, privateKeyFile: "~/a" });
  expect(read({ "server/jump": { ...jump, privateKeyFile: "~/b" }, "server/privateKeyFile": "~/a" })).toEqual({
    ...login,
    privateKeyFile: "~/b",
  });
});

test.each([
  { stack: "dev", name: "os2mo-udvikling.naerum.dk" },
  { stack: "test", name: "os2mo-test.naerum.dk" },
  { stack: "prod", name: "os2mo.naerum.dk" },
])("Q-SRV-14: the server of stack $stack is called $name", ({ stack, name }) => {
  expect(readSettings(stack, config(least)).server.hostname).toBe(name);
});

test("the empty environment that the project declares is none", () => {
  expect(readSettings("dev", config({ ...least, environment: "" })).environment).toBe("development");
});

test.each(["os2mo-on-premm", "os2mo-onprem", "OS2mo-on-prem", "os2mo_on_prem"])(
  "a key in namespace %s, a mistyped one of ours, is a mistake",
  (mistyped) => {
    const read = () => readSettings("prod", { ...config(least), [`${mistyped}:journal`]: "{}" });
    expect(read).toThrow(
      `\n  ${mistyped}:journal is in no namespace of ours; did you mean os2mo-on-prem?\n  Edit Pulumi.prod.yaml`,
    );
  },
);

test.each(["pulumi:tags", "onprem:host", "command:x", "os2mo-image:tag"])("%s is another package's", (fullKey) => {
  expect(readSettings("prod", { ...config(least), [fullKey]: "{}" }).stack).toBe("prod");
});

test("other namespaces are left alone", () => {
  expect(readSettings("dev", { ...config(least), "cloudflare:apiToken": "x" }).stack).toBe("dev");
});

describe("a mistake is found", () => {
  test.each<{ name: string; changes: Record<string, unknown>; stack?: string; found: string[] }>([
    {
      name: "a key that is not a setting",
      changes: { servers: { host: "x" } },
      found: [
        "servers is not a setting; here are: administrator, customer, dns, environment, firewall, https, journal, management, requirements, server, time, updates, vpn",
      ],
    },
    {
      name: "a key below that is not a setting",
      changes: { "time/server": "10.0.0.1" },
      found: ["time.server is not a setting; here are: adjust, servers, zone"],
    },
    {
      name: "a stack of another name without environment",
      changes: {},
      stack: "kunde-a",
      found: [
        "environment is required: Which of the customer's servers this stack is; by default `development`, `test` or `production` for the stacks `dev`, `test` and `prod`.",
      ],
    },
    {
      name: "an environment that is none",
      changes: { environment: "prod" },
      found: ['environment must be "development" or "test" or "production"; given: "prod"'],
    },
    {
      name: "text where an object belongs",
      changes: { customer: "Nærum" },
      found: ['customer must be an object; given: "Nærum"'],
    },
    {
      name: "no host key",
      changes: { "server/hostKey": undefined },
      found: [
        "server.hostKey is required: The server's public host key, one line or a list of lines; `npm run trust -- STACK` records it.",
      ],
    },
    {
      name: "a host key that is none",
      changes: { "server/hostKey": "ssh-ed25519 AAAA" },
      found: [
        'server.hostKey must be one line of an OpenSSH public key: one of ssh-ed25519, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ecdsa-sha2-nistp521, ssh-rsa, then its base64; given: "ssh-ed25519 AAAA"',
      ],
    },
    {
      name: "a list of host keys with a wrong one",
      changes: { "server/hostKey": [key, "none"] },
      found: [
        'server.hostKey[1] must be one line of an OpenSSH public key: one of ssh-ed25519, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ecdsa-sha2-nistp521, ssh-rsa, then its base64; given: "none"',
      ],
    },
    {
      name: "an address that is none",
      changes: { "server/host": "10.20.0.256", "time/servers": ["10.0.0"] },
      found: [
        'server.host must be a host name in lower case or an IP address; given: "10.20.0.256"',
        'time.servers[0] must be a host name in lower case or an IP address; given: "10.0.0"',
      ],
    },
    {
      name: "a name where only an address serves",
      changes: { "server/address": "mo.naerum.dk" },
      found: ['server.address must be an IP address; given: "mo.naerum.dk"'],
    },
    {
      name: "a port out of bounds",
      changes: { "server/port": 70000 },
      found: ["server.port must be at most 65535; given: 70000"],
    },
    {
      name: "text where a number belongs",
      changes: { "server/port": "22" },
      found: ['server.port must be a number; given: "22"'],
    },
    {
      name: "two ways to log in",
      changes: { "server/privateKeyFile": "a", "server/agent": "b" },
      found: ["server has privateKeyFile and agent; give one of them"],
    },
    {
      name: "Q-SRV-5: SSH from anywhere, over IPv4 and IPv6",
      changes: { "firewall/management": ["0.0.0.0/0", "::/0", "128.0.0.0/1"] },
      found: [
        'firewall.management[0] must name somebody: a prefix of at least 8 bits, not as good as everybody; given: "0.0.0.0/0"',
        'firewall.management[1] must name somebody: a prefix of at least 8 bits, not as good as everybody; given: "::/0"',
        'firewall.management[2] must name somebody: a prefix of at least 8 bits, not as good as everybody; given: "128.0.0.0/1"',
      ],
    },
    {
      name: "Q-SRV-5: no range for SSH, none for OS2mo",
      changes: { "firewall/management": [], "firewall/internal": undefined },
      found: [
        "firewall.internal is required: The customer's own ranges, which may open OS2mo (ports 80 and 443).",
        "firewall.management must name at least one range, or vpn must: nobody could use SSH (Q-SRV-5)",
      ],
    },
    {
      name: "Q-SRV-6: no destination for 4505 and 4506",
      changes: { "firewall/saltMaster": undefined },
      found: [
        "firewall.saltMaster is required: Addresses of the vendor's deployment host, to which ports 4505 and 4506 are opened; never a range.",
      ],
    },
    {
      name: "Q-SRV-6: a range for 4505 and 4506, which are for the vendor's deployment host",
      changes: { "firewall/saltMaster": ["10.99.0.4/32", "10.99.0.0/30", "fd00::/127", "fd00::1"] },
      found: [
        'firewall.saltMaster[1] must be the address of one host, not a range; given: "10.99.0.0/30"',
        'firewall.saltMaster[2] must be the address of one host, not a range; given: "fd00::/127"',
      ],
    },
    {
      name: "Q-SRV-6: everybody for 4505 and 4506",
      changes: { "firewall/saltMaster": ["0.0.0.0/0"] },
      found: ['firewall.saltMaster[0] must be the address of one host, not a range; given: "0.0.0.0/0"'],
    },
    {
      name: "Q-SRV-4: a protocol that is none",
      changes: { "firewall/egress/time/protocol": "icmp" },
      found: ['firewall.egress.time.protocol must be "tcp" or "udp"; given: "icmp"'],
    },
    {
      name: "a range that does not begin at its start",
      changes: { "firewall/internal": ["10.1.2.3/8"] },
      found: ['firewall.internal[0] must begin at the start of its range: 10.0.0.0/8; given: "10.1.2.3/8"'],
    },
    {
      name: "a name of an outbound rule that could break out of a comment",
      changes: { 'firewall/egress/"; flush': { ports: [443], to: ["10.0.0.1"] } },
      found: [
        'firewall.egress["\\"; flush"] has a name that must be a short lower-case word; given: {"ports":[443],"to":["10.0.0.1"]}',
      ],
    },
    {
      name: "NET-2: the name of the connection to the vendor, and what is wrong below a mistaken name",
      changes: {
        "firewall/egress/salt": { ports: [443], to: ["10.0.0.1"] },
        "firewall/egress/DNS": { ports: [0], to: ["everywhere"], via: "x" },
      },
      found: [
        'firewall.egress.DNS has a name that must be a short lower-case word; given: {"ports":[0],"to":["everywhere"],"via":"x"}',
        "firewall.egress.DNS.ports[0] must be at least 1; given: 0",
        'firewall.egress.DNS.to[0] must be a range such as "10.0.0.0/8", or an IP address; given: "everywhere"',
        "firewall.egress.DNS.via is not a setting; here are: ports, protocol, to",
        'firewall.egress.salt has a name that is taken by the connection to the vendor (NET-2); given: {"ports":[443],"to":["10.0.0.1"]}',
      ],
    },
    {
      name: "time servers without a way to them, beside another mistake",
      changes: { "firewall/egress": {}, "firewall/management": ["x"], "time/zone": "..", "administrator/name": "root" },
      found: [
        "firewall.egress must let udp 123 out to time.servers, or the clock is never right",
        'firewall.management[0] must be a range such as "10.0.0.0/8", or an IP address; given: "x"',
        'administrator.name must not be root: it is an account of its own (ACC-2); given: "root"',
        'time.zone must be a name of the tz database, such as "Europe/Copenhagen"; given: ".."',
      ],
    },
    {
      name: "what depends on a field that is right, beside fields that are wrong",
      changes: {
        "customer/name": "",
        "server/hostname": "naerum.dk",
        "server/port": 0,
        "server/user": "anne",
        "administrator/name": "anne",
        "administrator/enabled": false,
        "administrator/key": "x",
      },
      found: [
        'customer.name must not be empty; given: ""',
        'server.hostname must not be the top of the customer\'s domain (DNS-8); given: "naerum.dk"',
        "server.port must be at least 1; given: 0",
        'administrator.enabled must stay true while server.user is this account: "anne"; to disable it, first name another account with sudo as server.user',
        "administrator.key is not a setting; here are: enabled, keys, name",
      ],
    },
    {
      name: "the customer of the example",
      changes: { "customer/name": "Eksempel Kommune" },
      found: ["customer.name is still the example's name: Eksempel Kommune"],
    },
    {
      name: "time servers without a way to them",
      changes: { "firewall/egress": {} },
      found: ["firewall.egress must let udp 123 out to time.servers, or the clock is never right"],
    },
    {
      name: "ACC-2: an administrator without a key",
      changes: { "administrator/keys": undefined },
      found: ["administrator.keys needs at least one public SSH key, or the account could not be used (ACC-2)"],
    },
    {
      name: "ACC-2: root as the administrator",
      changes: { "administrator/name": "root" },
      found: ['administrator.name must not be root: it is an account of its own (ACC-2); given: "root"'],
    },
    {
      name: "Q-SRV-9: an account that is disabled before management is connected",
      changes: { "administrator/enabled": false, "server/user": "ubuntu" },
      found: [
        "administrator.enabled must stay true until central management is connected: management.salt is not set (ACC-2, Q-SRV-9)",
      ],
    },
    {
      name: "Q-SRV-9: an account that is disabled while it logs in",
      changes: { "administrator/enabled": false, "server/user": "os2mo-admin" },
      found: [
        'administrator.enabled must stay true while server.user is this account: "os2mo-admin"; to disable it, first name another account with sudo as server.user',
      ],
    },
    {
      name: "ACC-2: another way in that does not lead to the administrator",
      changes: { "server/user": "ubuntu", "server/initial": { user: "root" } },
      found: [
        'server.user must be the administrator\'s name, "os2mo-admin", where server.initial is given (ACC-2); given: "ubuntu"',
      ],
    },
    {
      name: "ACC-2: a previous key of another account than the administrator",
      changes: { "server/previous": { agent: "/run/agent" } },
      found: [
        'server.user must be the administrator\'s name, "os2mo-admin", where server.previous is given (ACC-2); given: "root"',
      ],
    },
    {
      name: "ACC-2: two ways for the first contact, and none for whom",
      changes: { "server/user": "os2mo-admin", "server/initial": { privateKeyFile: "a", password: true } },
      found: [
        "server.initial has privateKeyFile and password; give one of them",
        expect.stringMatching(/^server\.initial\.user is required: /),
      ],
    },
    {
      name: "ACC-2: a password in the configuration, which is never shown",
      changes: { "server/user": "os2mo-admin", "server/initial": { user: "ubuntu", password: "Hemmeligt1" } },
      found: [
        "server.initial.password must be true or left out: the password itself stands in the environment variable ONPREM_INITIAL_PASSWORD of the run, and nowhere else; given: [secret]",
      ],
    },
    {
      name: "keys of other logins that are no secrets",
      changes: {
        "server/user": "os2mo-admin",
        "server/initial": { user: "ubuntu", privateKey: "text" },
        "server/previous": { privateKey: "text", passphrase: "words" },
      },
      found: ["initial.privateKey", "previous.passphrase", "previous.privateKey"].map(
        (path) => `server.${path} must be a secret: set it with \`pulumi config set --secret --path server.${path}\``,
      ),
    },
    {
      name: "Q-SRV-14: the guide's own example as the customer's domain",
      changes: { "customer/domain": "kunde.dk" },
      found: ["customer.domain is still the example's name: kunde.dk"],
    },
    {
      name: "DNS-8: the top of the zone as host name",
      changes: { "server/hostname": "naerum.dk" },
      found: ['server.hostname must not be the top of the customer\'s domain (DNS-8); given: "naerum.dk"'],
    },
    {
      name: "DNS-8: the top of another domain as host name",
      changes: { "server/hostname": "anden.dk" },
      found: ['server.hostname must not be the top of a domain (DNS-8); given: "anden.dk"'],
    },
    {
      name: "DNS-2: names that no certificate authority can look at",
      changes: { "customer/domain": "kommune.local", "server/hostname": "os2mo.ad.kommune.lan" },
      found: [
        'customer.domain must be a domain of the public DNS: no certificate authority looks at names that are known inside alone (DNS-2); given: "kommune.local"',
        'server.hostname must be a domain of the public DNS: no certificate authority looks at names that are known inside alone (DNS-2); given: "os2mo.ad.kommune.lan"',
      ],
    },
    {
      name: "DNS-10: a host name whose challenge record does not fit",
      changes: { "server/hostname": `${"a".repeat(60)}.`.repeat(3).concat("b".repeat(24)) },
      found: [
        `server.hostname must have at most 206 characters, or its challenge record does not fit into DNS (DNS-10); given: "${`${"a".repeat(60)}.`.repeat(2).slice(0, 116)}...`,
      ],
    },
    {
      name: "DNS-10: a label of more than 63 characters",
      changes: { "server/hostname": `${"a".repeat(64)}.dk` },
      found: [`server.hostname must be a domain in lower case, such as "kommune.dk"; given: "${"a".repeat(64)}.dk"`],
    },
    {
      name: "DNS-10: a domain below which the default name does not fit",
      changes: { "customer/domain": `${"a".repeat(50)}.`.repeat(4).concat("dk") },
      found: [
        "customer.domain gives a host name that must have at most 206 characters, or its challenge record does not fit into DNS (DNS-10)",
      ],
    },
    {
      name: "a profile that is none",
      changes: { "requirements/profile": 2019 },
      found: ['requirements.profile must be "2020" or "2026"; given: 2019'],
    },
    {
      name: "a time zone that is a path",
      changes: { "time/zone": "../../etc/passwd" },
      found: ['time.zone must be a name of the tz database, such as "Europe/Copenhagen"; given: "../../etc/passwd"'],
    },
    {
      name: "sizes and times in another form",
      changes: { "journal/maxUse": "1 GB", "updates/rebootAt": "4" },
      found: [
        'updates.rebootAt must be a time of day such as "04:00"; given: "4"',
        'journal.maxUse must be a size such as "500M" or "2G"; given: "1 GB"',
      ],
    },
    {
      name: "ACC-1: two VPNs, a name that the tunnel takes, secrets in the open",
      changes: {
        "firewall/egress/vpn": { ports: [1], to: ["10.1.0.1"] },
        vpn: {
          customer: { product: "OpenVPN", endpoint: "vpn.naerum.dk", ranges: ["10.1.0.0/16"] },
          wireguard: {
            addresses: ["10.99.0.2/32"],
            presharedKey: "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=",
            hub: {
              endpoint: "10.66.0.20:51820",
              publicKey: "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=",
              ranges: ["10.99.0.0/24"],
              login: { host: "10.66.0.20", hostKey: key, privateKey: "text", agent: "a" },
            },
          },
        },
      },
      found: [
        "firewall.egress.vpn has a name that is taken by the tunnel of vpn.wireguard",
        "vpn has customer and wireguard; give one of them",
        "vpn.wireguard.hub.login has privateKey and agent; give one of them",
        "vpn.wireguard.hub.login.privateKey must be a secret: set it with `pulumi config set --secret --path vpn.wireguard.hub.login.privateKey`",
        "vpn.wireguard.presharedKey must be a secret: set it with `pulumi config set --secret --path vpn.wireguard.presharedKey`",
      ],
    },
    {
      name: "ACC-4: a hub by its name, whose address nobody could open; a tunnel for everything",
      changes: {
        vpn: {
          wireguard: {
            addresses: ["10.99.0.2/32"],
            hub: {
              endpoint: "vpn.vendor.dk:51820",
              publicKey: "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=",
              ranges: ["0.0.0.0/0"],
            },
          },
        },
      },
      found: [
        'vpn.wireguard.hub.endpoint must be ADDRESS:PORT, such as 198.51.100.20:51820; the firewall opens this address and no other; given: "vpn.vendor.dk:51820"',
        'vpn.wireguard.hub.ranges[0] is as good as everything: the host would send all its traffic through the tunnel, and answer nobody else; given: "0.0.0.0/0"',
      ],
    },
    {
      name: "the example's addresses and names",
      changes: {
        "server/host": "192.0.2.13",
        "firewall/management": ["198.51.100.0/24"],
        "firewall/internal": ["2001:db8:1::/48"],
        "firewall/saltMaster": ["203.0.113.10"],
        "time/servers": ["ntp.kommune.example"],
      },
      found: [
        "server.host is still the example's address: 192.0.2.13",
        "firewall.internal[0] is still the example's address: 2001:db8:1::/48",
        "firewall.management[0] is still the example's address: 198.51.100.0/24",
        "firewall.saltMaster[0] is still the example's address: 203.0.113.10",
        "time.servers[0] is still the example's name: ntp.kommune.example",
      ],
    },
  ])("$name", ({ changes, stack, found }) => {
    expect(mistakes(changes, stack)).toEqual(found);
  });
});

describe("a secret is never shown", () => {
  const canary = "canary-7f3a";
  test.each([
    { name: "of a wrong type", changes: { "server/privateKey": [canary] } },
    { name: "beside a mistake", changes: { "server/privateKey": canary, "server/host": "Nærum" } },
    { name: "within a wrong type", changes: { "server/jump": [{ privateKey: canary }] } },
    { name: "as a password, where none belongs", changes: { "server/initial": { user: "Nærum", password: canary } } },
    { name: "as a password at the server itself", changes: { "server/password": canary, "server/port": 0 } },
    { name: "in place of an object", changes: { "server/jump": canary, "server/passphrase": "x" } },
    { name: "below the name of another field", changes: { "server/host": { passphrase: canary } } },
    { name: "as an example's name", changes: { "server/privateKey": `${canary}.example`, "server/port": 0 } },
    { name: "under a key that has no secrets of its own", changes: { "time/servers": [canary.toUpperCase()] } },
    { name: "at a mistyped key", changes: { "server/privatKey": canary } },
    { name: "as the whole value", changes: { server: canary } },
  ])("$name", ({ changes }) => {
    const found = mistakes(changes, "prod", ["os2mo-on-prem:server", "os2mo-on-prem:time"]);
    expect(found.length).toBeGreaterThan(0);
    expect(found.join("\n").toLowerCase()).not.toContain(canary);
  });

  test("and hides nothing else of the key that it is in", () => {
    const jump = { host: "192.0.2.1", hostKey: key, privateKey: canary, port: 0 };
    expect(mistakes({ "server/host": "Nærum", "server/jump": jump }, "prod", ["os2mo-on-prem:server"])).toEqual([
      'server.host must be a host name in lower case or an IP address; given: "Nærum"',
      "server.jump.host is still the example's address: 192.0.2.1",
      "server.jump.port must be at least 1; given: 0",
    ]);
  });

  test("a secret that is at none of the fields known for one hides its whole key, and no mistake", () => {
    expect(mistakes({ "server/host": "kommune.example", "server/port": 0 }, "prod", ["os2mo-on-prem:server"])).toEqual([
      "server.host is still the example's name",
      "server.port must be at least 1; given: [secret]",
    ]);
  });

  test("not even where it stands in the open beside other mistakes", () => {
    expect(mistakes({ "server/privateKey": [canary], "server/port": 0, "server/agent": 5 })).toEqual([
      "server has privateKey and agent; give one of them",
      "server.agent must be text; given: 5",
      "server.port must be at least 1; given: 0",
      "server.privateKey must be text; given: [secret]",
      "server.privateKey must be a secret: set it with `pulumi config set --secret --path server.privateKey`",
    ]);
  });

  test("not even one that was not marked as a secret, which is a mistake", () => {
    expect(
      mistakes({ "server/privateKey": canary, "server/jump": { host: "j", hostKey: key, passphrase: canary } }),
    ).toEqual([
      "server.jump.passphrase must be a secret: set it with `pulumi config set --secret --path server.jump.passphrase`",
      "server.privateKey must be a secret: set it with `pulumi config set --secret --path server.privateKey`",
    ]);
  });
});

test("all mistakes come at once, in three lines' form", () => {
  const read = () => readSettings("prod", config(changed({ "server/port": 0, "time/servers": [], nonsense: "1" })));
  expect(read).toThrow(Failure);
  expect(read).toThrow(
    [
      "the configuration of stack prod has 3 mistakes; nothing was touched",
      "  os2mo-on-prem:server.port must be at least 1; given: 0",
      "  os2mo-on-prem:time.servers must not be empty; given: []",
      "  os2mo-on-prem:nonsense is not a setting; here are: administrator, customer, dns, environment, firewall, https, journal, management, requirements, server, time, updates, vpn",
      "  Edit Pulumi.prod.yaml; docs/settings.md describes each key.",
    ].join("\n"),
  );
});

test("a requirement that was lowered is said in every run", () => {
  const settings = readSettings(
    "dev",
    config(changed({ "requirements/override": { cores: 2, releases: { debian: ["12"] } } })),
  );
  expect(warnings(settings)).toEqual([
    "os2mo-on-prem:requirements.override.cores is 2 instead of what profile 2020 asks for.",
    'os2mo-on-prem:requirements.override.releases is {"debian":["12"]} instead of what profile 2020 asks for.',
  ]);
});
