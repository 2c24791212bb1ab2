import { describe, expect, test } from "vitest";
import { readSettings, warnings } from "../../infra/settings.ts";
import { planAddresses } from "../../lab/address-plan.ts";
import { labSettings, labStacks } from "../../lab/settings.ts";
import type { LabStatus } from "../../lab/status.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDdqT5hBnDX7qx1GZXAXDZ9BmNF4Yl4IN8ZGdXS4hLdB";
const { places, ranges, segments } = planAddresses("198.18.7.0/24");
const addresses = ({ v4, v6 }: { v4: string; v6: string }) => ({ v4, v6 });

const status: LabStatus = {
  name: "lab",
  state: "up",
  ranges,
  domain: "lab.test",
  segments,
  router: { netns: "/run/netns/onprem-lab-router" },
  controller: { interface: "onprem-lab", addresses: addresses(places.controller) },
  machines: (["dev", "test", "prod"] as const).map((name, index) => ({
    name,
    kind: "server",
    fqdn: `${name}.lab.test`,
    addresses: addresses(places[name]),
    state: "running",
    leader: 100 + index,
    login: { users: ["deploy", "root"], privateKeyFile: "/lab/id_ed25519" },
    hostKey: key,
    consoleLog: "/lab/console.log",
  })),
  vantagePoints: [],
  services: {
    dns: { addresses: addresses(places.vendor), protocol: "tcp+udp", ports: [53] },
    ntp: { addresses: addresses(places.vendor), protocol: "udp", ports: [123] },
    aptProxy: { addresses: addresses(places.controller), protocol: "tcp", ports: [3142] },
    master: { addresses: addresses(places.vendor), protocol: "tcp", ports: [4505, 4506] },
  },
};

const big = { cores: 8, memoryGiB: 32, diskGB: 500 };
const settings = labSettings(status, "production", { size: big, publicKey: `${key} lab\n` });

test("a lab's server is configured by what the lab says of itself", () => {
  const vendor = ["198.18.7.200", "2001:2:0:74::200"];
  expect(settings).toEqual({
    "os2mo-on-prem:environment": "production",
    "os2mo-on-prem:customer": { name: "Lab lab", domain: "lab.test" },
    "os2mo-on-prem:server": {
      host: "198.18.7.13",
      user: "deploy",
      hostKey: key,
      privateKeyFile: "/lab/id_ed25519",
      hostname: "prod.lab.test",
    },
    "os2mo-on-prem:requirements": { profile: "2020", override: { ssd: false, releases: { debian: ["12"] } } },
    "os2mo-on-prem:firewall": {
      management: ["198.18.7.64/26", "2001:2:0:71::/64"],
      internal: ["198.18.7.128/27", "2001:2:0:72::/64"],
      saltMaster: vendor,
      egress: {
        dns: { protocol: "udp", ports: [53], to: vendor },
        "dns-tcp": { protocol: "tcp", ports: [53], to: vendor },
        time: { protocol: "udp", ports: [123], to: vendor },
        packages: { protocol: "tcp", ports: [3142], to: ["198.18.7.65"] },
      },
    },
    "os2mo-on-prem:administrator": { keys: [`${key} lab`] },
    "os2mo-on-prem:time": { servers: ["198.18.7.200"], adjust: false },
    "os2mo-on-prem:updates": { reboot: false },
    "os2mo-on-prem:journal": { maxUse: "100M" },
    "os2mo-on-prem:dns": { verify: false },
  });
});

test("SRV-3, SRV-4, SRV-5: a lab on a small machine says what it has less of", () => {
  const size = { cores: 2, memoryGiB: 24, diskGB: 40 };
  const small = labSettings(status, "test", { size, publicKey: key });
  expect(small["os2mo-on-prem:requirements"]).toEqual({
    profile: "2020",
    override: { cores: 2, diskGB: 40, ssd: false, releases: { debian: ["12"] } },
  });
});

describe("the lab's configuration passes the checks of a real one", () => {
  test.each(Object.entries(labStacks))("%s", (stack, environment) => {
    const given = labSettings(status, environment, { size: big, publicKey: key });
    const config = Object.entries(given).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
    const read = readSettings(stack, Object.fromEntries(config));
    expect([read.environment, read.server.hostname]).toEqual([environment, `${stack}.lab.test`]);
    expect(warnings(read)).toEqual([
      "os2mo-on-prem:requirements.override.ssd is false instead of what profile 2020 asks for.",
      'os2mo-on-prem:requirements.override.releases is {"debian":["12"]} instead of what profile 2020 asks for.',
    ]);
  });
});
