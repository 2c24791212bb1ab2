import { expect, test } from "vitest";
import { cacheFolder } from "../../lab/places.ts";
import { portsThat } from "../../lab/probe.ts";
import { shellWords, statusTable } from "../../lab/show.ts";
import type { LabStatus, MachineStatus } from "../../lab/status.ts";

const both = { v4: "198.18.8.11", v6: "2001:2:0:80::11" };
const machine: MachineStatus = {
  name: "dev",
  kind: "server",
  fqdn: "dev.lab.test",
  addresses: both,
  state: "running",
  leader: 7,
  login: { users: ["deploy", "root"], privateKeyFile: "/cache/id_ed25519" },
  hostKey: "ssh-ed25519 AAAA",
  consoleLog: "/cache/console.log",
};
const service = { addresses: both, protocol: "tcp" as const, ports: [53] };
const up: LabStatus = {
  name: "lab",
  state: "up",
  ranges: { v4: "198.18.8.0/24", v6: "2001:2:0:80::/60" },
  domain: "lab.test",
  segments: { servers: both, management: both, internal: both, stranger: both, vendor: both },
  router: { netns: "/run/netns/router" },
  controller: { interface: "op-lab", addresses: both },
  machines: [machine],
  vantagePoints: [{ name: "internal", netns: "/run/netns/internal", addresses: both }],
  services: { dns: service, ntp: service, aptProxy: service, master: service },
};

test("status says how to log in after an update, too", () => {
  const text = statusTable(up);
  expect(text).toContain("/run/netns/internal");
  expect(text.split("\n").at(-2)).toBe(
    "log in as deploy with /cache/id_ed25519; as root only until an update hardens sshd",
  );
});

test("status of a lab that is down names nothing that is not there", () => {
  const down: LabStatus = { ...up, state: "down", machines: [{ ...machine, state: "stopped", leader: null }] };
  expect(statusTable(down)).toBe(`lab lab: down, 198.18.8.0/24 and 2001:2:0:80::/60

dev  stopped  198.18.8.11  2001:2:0:80::11
`);
});

test("shell without a lab says so", async () => {
  await expect(shellWords(undefined, "dev", "root", [])).rejects.toThrow(
    'there is no machine "dev"\n  the lab was never up',
  );
});

test.each([
  [{ ONPREM_CACHE: "/x", HOME: "/home/a" }, "/x"],
  [{ XDG_CACHE_HOME: "/y", HOME: "/home/a" }, "/y/onprem"],
  [{ HOME: "/home/a" }, "/home/a/.cache/onprem"],
])("cacheFolder(%o) is %s", (env, expected) => {
  expect(cacheFolder(env)).toBe(expected);
});

test("portsThat sorts", () => {
  expect(
    portsThat(
      "open",
      new Map([
        [443, "open"],
        [22, "open"],
        [80, "filtered"],
      ] as const),
    ),
  ).toEqual([22, 443]);
});
