import { log } from "@pulumi/pulumi";
import { expect, test, vi } from "vitest";
import { Server } from "../../../infra/components/server.ts";
import type { SettingsMistaken } from "../../../infra/settings/mistakes.ts";
import { readSettings } from "../../../infra/settings.ts";
import { type Made, resourcesOf } from "./mocks.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDdqT5hBnDX7qx1GZXAXDZ9BmNF4Yl4IN8ZGdXS4hLdB";
const zone = {
  kind: "rfc2136",
  zone: "os2mo-on-prem.magentahosted.dk",
  server: "10.66.0.53",
  key: { name: "k", algorithm: "hmac-sha256", secret: "c2VjcmV0c2VjcmV0c2VjcmV0" },
};
const acme = { termsAgreed: true };

function settingsWith(changes: Record<string, unknown> = {}, secrets = ["dns", "https"]) {
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
    dns: { zone, resolvers: ["9.9.9.9"] },
    https: { acme },
    ...changes,
  };
  const text = Object.entries(config).map(([name, value]) => [`os2mo-on-prem:${name}`, JSON.stringify(value)]);
  return readSettings(
    "prod",
    Object.fromEntries(text),
    secrets.map((name) => `os2mo-on-prem:${name}`),
  );
}

async function made(changes?: Record<string, unknown>): Promise<Made[]> {
  const settings = settingsWith(changes);
  const facts = {
    "onprem:linux:Facts": {
      machineId: "first",
      os: { id: "ubuntu", release: "20.04", codename: "focal", prettyName: "Ubuntu 20.04.6 LTS" },
      cores: 4,
      memory: { bytes: 16 * 2 ** 30, source: "installed" },
      addresses: {},
      disk: { name: "sda", bytes: 64e9, source: "disk", rotational: false },
    },
    "onprem:linux:Package": { versions: { nginx: "1.18.0-0ubuntu1" } },
    "onprem:acme:AcmeAccount": { uri: "https://acme-v02.api.letsencrypt.org/acme/acct/1" },
  };
  return resourcesOf(() => void new Server("server", { settings, actions: { host: settings.server.host } }), facts);
}

const inputs = (resources: readonly Made[], name: string) => resources.find((one) => one.name === name)?.inputs;
const mistakes = (changes: Record<string, unknown>, secrets?: string[]) => {
  try {
    settingsWith(changes, secrets);
    return [];
  } catch (error) {
    return (error as SettingsMistaken).mistakes.map(({ path, reason }) => `${path} ${reason}`);
  }
};

test("DNS-1, DNS-2: the address, the account, the certificate and the web server, and what they are told", async () => {
  const resources = await made();
  const [host, target] = ["os2mo.naerum.dk", "os2mo.naerum.dk.os2mo-on-prem.magentahosted.dk"];
  expect(
    resources
      .map(({ type, name }) => `${type} ${name}`)
      .filter((line) => line.includes("https"))
      .sort(),
  ).toEqual([
    "onprem:acme:AcmeAccount server-https-account",
    "onprem:acme:AcmeCertificate server-https-certificate",
    "onprem:dns:HostRecord server-https-address",
    "onprem:linux:Directory server-https-front-locations",
    "onprem:linux:Directory server-https-front-page-folder",
    "onprem:linux:File server-https-front-configuration",
    "onprem:linux:File server-https-front-headers",
    "onprem:linux:File server-https-front-page",
    "onprem:linux:Package server-https-front-packages",
    "onprem:linux:Package server-https-tools",
    "onprem:linux:SystemdUnit server-https-front-unit",
    "os2mo:server:Front server-https-front",
    "os2mo:server:Https server-https",
  ]);
  expect(inputs(resources, "server-https-address")).toMatchObject({
    name: target,
    addresses: ["10.20.0.13"],
    adopt: false,
  });
  expect(inputs(resources, "server-https-certificate")).toMatchObject({
    names: [host],
    directory: "https://acme-v02.api.letsencrypt.org/directory",
    folder: "/etc/onprem/tls",
    unit: "nginx.service",
    revokeOnDelete: false,
  });
  expect(inputs(resources, "server-https-front-configuration")?.content).toContain(
    "ssl_certificate /etc/onprem/tls/live/fullchain.pem;",
  );
  // Where HTTPS is asked for, the authority waits for the customer.
  expect(inputs(resources, "server-records")).toMatchObject({
    require: true,
    issuers: ["letsencrypt.org"],
    directory: "https://acme-v02.api.letsencrypt.org/directory",
  });
});

test("a certificate that goes is revoked where the settings say so", async () => {
  const resources = await made({ https: { acme: { ...acme, revokeOnDelete: true } } });
  expect(inputs(resources, "server-https-certificate")).toMatchObject({ revokeOnDelete: true });
});

test("a name in the vendor's zone that leads elsewhere is taken over where the settings say so", async () => {
  const resources = await made({ dns: { zone, adopt: true } });
  expect(inputs(resources, "server-https-address")).toMatchObject({ adopt: true });
});

test("another authority is looked for in CAA records by the names that the settings have", async () => {
  const directory = "https://acme.ca-kommune.dk/directory";
  const resources = await made({ dns: { zone, issuers: ["ca-kommune.dk"] }, https: { acme: { ...acme, directory } } });
  expect(inputs(resources, "server-records")).toMatchObject({ issuers: ["ca-kommune.dk"], directory });
});

test("an account in the settings that is not the server's own is a warning, before the customer's CAA records do harm", async () => {
  const warnings = async (account: string) => {
    const said: string[] = [];
    const warn = vi.spyOn(log, "warn").mockImplementation(async (text) => void said.push(text));
    await made({ https: { acme: { ...acme, account } } });
    warn.mockRestore();
    return said.filter((text) => text.includes("account"));
  };
  const account = (number: number) => `https://acme-v02.api.letsencrypt.org/acme/acct/${number}`;
  expect(await warnings(account(1))).toEqual([]);
  const said = `https.acme.account is ${account(2)}, and os2mo.naerum.dk has the account ${account(1)}: `;
  expect(await warnings(account(2))).toEqual([expect.stringContaining(said)]);
});

test("a test authority has an account of its own, and is asked first", async () => {
  const testDirectory = "https://acme-staging-v02.api.letsencrypt.org/directory";
  const resources = await made({ https: { acme: { ...acme, testDirectory } } });
  expect(inputs(resources, "server-https-test-account")).toMatchObject({ directory: testDirectory });
  expect(inputs(resources, "server-https-certificate")).toMatchObject({ testDirectory });
});

test("without https.acme there is none of it", async () => {
  const resources = await made({ https: {} });
  expect(resources.filter(({ name }) => name.includes("https"))).toEqual([]);
});

test.each([
  [
    "no right to write to the vendor's zone",
    { dns: {} },
    ["dns.zone is required where https.acme is given: challenges are answered there (DNS-2)"],
  ],
  [
    "a zone that does not hold the suffix",
    { dns: { zone: { ...zone, zone: "other.dk" } } },
    ['dns.zone.zone must hold dns.suffix, to which the customer\'s records lead; given: "other.dk"'],
  ],
  [
    "an address that nobody knows",
    { server: { host: "prod.naerum.dk", hostKey: key, user: "ubuntu" } },
    [
      "server.address is required where https.acme is given and server.host is not the server's address: people are led there",
    ],
  ],
  [
    "an authority that nobody says how CAA records name",
    { https: { acme: { ...acme, directory: "https://acme.ca-kommune.dk/directory" } } },
    [
      "dns.issuers is required where https.acme.directory is not Let's Encrypt's: the domains by which CAA records name acme.ca-kommune.dk (RFC 8659)",
    ],
  ],
  [
    "an account at one authority and the directory of another",
    { https: { acme: { ...acme, account: "https://acme.zerossl.com/v2/DV90/account/x" } } },
    ["https.acme.account must be an account at acme-v02.api.letsencrypt.org, as https.acme.directory is"],
  ],
  [
    "the directory of one authority and the CAA name of another",
    { dns: { zone, issuers: ["sectigo.com", "letsencrypt.org"] } },
    ["dns.issuers must be letsencrypt.org: so CAA records name acme-v02.api.letsencrypt.org"],
  ],
  [
    "an account that would end a CAA record's value",
    { https: { acme: { ...acme, account: "https://ca/acct/1;x" } } },
    ['https.acme.account must be ASCII without space, semicolon, " or \\; given: [secret]'],
  ],
  ["terms that nobody has agreed to", { https: { acme: {} } }, [expect.stringMatching(/^https\.acme\.termsAgreed /)]],
])("refused: %s", (_, changes, expected) => {
  expect(mistakes(changes)).toEqual(expected);
});

test("the zone's key and token, and the external account's, must be secrets, and are shown in no message", () => {
  const said = mistakes({}, []);
  expect(said).toEqual([
    "dns.zone.key.secret must be a secret: set it with `pulumi config set --secret --path dns.zone.key.secret`",
  ]);
  const cloudflare = { kind: "cloudflare", zone: zone.zone, token: "t0k3n" };
  expect(mistakes({ dns: { zone: cloudflare } }, [])).toEqual([
    "dns.zone.token must be a secret: set it with `pulumi config set --secret --path dns.zone.token`",
  ]);
  const wrong = mistakes({ dns: { zone: { ...cloudflare, token: "t 0 k" } } });
  expect(wrong.join()).not.toContain("t 0 k");
});
