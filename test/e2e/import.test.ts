import { afterAll, beforeAll, expect, test } from "vitest";
import { lab, machine, stackOn, within } from "./on-lab.ts";
import type { Declared } from "./project/index.ts";

const server = machine("prod");
const management = [lab().segments.management.v4, lab().segments.management.v6];

/** One of each kind, and the id by which `pulumi import` finds it on the host. */
const imports: { declared: Declared; id: string }[] = [
  {
    id: "/etc/onprem-import",
    declared: { name: "file", type: "File", args: { path: "/etc/onprem-import", content: "found\n" } },
  },
  {
    id: "/srv/onprem-import",
    declared: { name: "directory", type: "Directory", args: { path: "/srv/onprem-import", mode: "0750" } },
  },
  {
    id: "/srv/onprem-tree",
    declared: {
      name: "tree",
      type: "FileTree",
      args: { path: "/srv/onprem-tree", files: { "a.conf": { content: "a\n" } } },
    },
  },
  { id: "cron", declared: { name: "packages", type: "Package", args: { packages: { cron: "installed" } } } },
  {
    id: "onprem-import.service",
    declared: {
      name: "unit",
      type: "SystemdUnit",
      args: {
        name: "onprem-import.service",
        unit: "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
        enabled: true,
        running: true,
      },
    },
  },
  { id: "imported", declared: { name: "account", type: "User", args: { name: "imported", shell: "/bin/sh" } } },
  {
    id: "onprem-import",
    declared: {
      name: "sysctl",
      type: "Sysctl",
      args: { name: "onprem-import", values: { "net.ipv4.conf.all.log_martians": "1" } },
    },
  },
  { id: "hostname", declared: { name: "hostname", type: "Hostname", args: { name: "prod" } } },
  { id: "time-zone", declared: { name: "zone", type: "TimeZone", args: { zone: "Etc/UTC" } } },
  {
    id: "onprem",
    declared: {
      name: "firewall",
      type: "Firewall",
      args: {
        inbound: { ssh: { protocol: "tcp", ports: [22], from: management } },
        outbound: { packages: { protocol: "tcp", ports: [3142], to: management } },
      },
    },
  },
  { id: "sshd", declared: { name: "sshd", type: "Sshd", args: {} } },
  { id: "facts", declared: { name: "facts", type: "Facts", args: {} } },
];
const program = imports.map(({ declared }) => declared);

beforeAll(() => within(server, "apt-get update -qq"));
afterAll(() => within(server, "nft delete table inet onprem 2>/dev/null || true"));

test("pulumi import takes each kind from the host, and the program then agrees with it", {
  timeout: 240_000,
}, async () => {
  await using first = await stackOn(server);
  expect((await first.up(program)).errors).toEqual([]);
  const ids = JSON.parse(await first.export()) as { deployment: { resources: { urn: string; id?: string }[] } };
  const idOf = (name: string) => ids.deployment.resources.find(({ urn }) => urn.endsWith(`::${name}`))?.id ?? "";

  await using second = await stackOn(server);
  expect((await second.up([])).errors).toEqual([]);
  for (const { declared } of imports) {
    const run = await second.import(`onprem:linux:${declared.type}`, declared.name, idOf(declared.name));
    expect([declared.type, run.errors]).toEqual([declared.type, []]);
  }
  const preview = await second.preview(program);
  expect(preview.errors).toEqual([]);
  // What the program leaves open was imported as it stands; leaving it open changes nothing on the host.
  expect(preview.diffs).toEqual({ account: ["comment", "group", "home", "uid"], unit: ["masked"] });
  const before = await within(
    server,
    "getent passwd imported; systemctl show -p UnitFileState,InvocationID onprem-import",
  );
  expect((await second.up(program)).errors).toEqual([]);
  expect(
    await within(server, "getent passwd imported; systemctl show -p UnitFileState,InvocationID onprem-import"),
  ).toBe(before);
  expect((await second.up(program)).changes).toEqual({});
  expect((await first.destroy()).errors).toEqual([]);
});
