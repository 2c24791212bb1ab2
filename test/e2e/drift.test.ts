import { afterAll, beforeAll, expect, test } from "vitest";
import { lab, machine, stackOn, within } from "./on-lab.ts";
import type { Declared } from "./project/index.ts";

const server = machine("test");
const { segments } = lab();
const ours = [segments.management.v4, segments.management.v6];

const program: Declared[] = [
  { name: "file", type: "File", args: { path: "/etc/onprem-drift", content: "one\ntwo\n" } },
  { name: "gone", type: "File", args: { path: "/etc/onprem-drift-gone", content: "here\n" } },
  { name: "packages", type: "Package", args: { packages: { tree: "installed", cron: "installed" } } },
  {
    name: "unit",
    type: "SystemdUnit",
    args: {
      name: "onprem-drift.service",
      unit: "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
      enabled: true,
      running: true,
    },
  },
  {
    name: "account",
    type: "User",
    args: {
      name: "drifter",
      authorizedKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDNMbCDTP5O54MFmkkkzwbXQqHB7F/DnJwXrRe/4oQ1c mine"],
    },
  },
  {
    name: "firewall",
    type: "Firewall",
    args: {
      inbound: { ssh: { protocol: "tcp", ports: [22], from: ours } },
      outbound: {
        dns: { protocol: "udp", ports: [53], to: [segments.vendor.v4] },
        packages: { protocol: "tcp", ports: [3142], to: [segments.management.v4] },
      },
      confirmSeconds: 20,
    },
    after: ["packages"],
  },
];

/** Each edit somebody makes by hand, and the properties under which a preview shows it. */
const edits: Record<string, { script: string; properties: RegExp[] }> = {
  file: { script: "echo three >> /etc/onprem-drift", properties: [/^content$/] },
  packages: {
    script: "DEBIAN_FRONTEND=noninteractive apt-get remove -qq -y tree >/dev/null",
    properties: [/^packages\.tree$/],
  },
  unit: { script: "systemctl stop onprem-drift.service", properties: [/^running$/] },
  account: {
    script:
      "echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH4L1YcQ6+EXAMPLEEXAMPLEEXAMPLEEXAMPLEEXAMPL intruder' >> ~drifter/.ssh/authorized_keys",
    properties: [/^authorizedKeys\[1\]$/],
  },
  firewall: { script: "nft add rule inet onprem inbound tcp dport 8080 accept", properties: [/8080/] },
};

beforeAll(() => within(server, "apt-get update -qq"));
afterAll(() =>
  within(server, "nft delete table inet onprem 2>/dev/null || true; userdel -r drifter 2>/dev/null || true"),
);

test("what somebody edits, deletes, stops, adds or uninstalls is shown by property, healed exactly, and then nothing is left to do", {
  timeout: 240_000,
}, async () => {
  await using stack = await stackOn(server);
  expect((await stack.up(program)).errors).toEqual([]);
  expect((await stack.up(program)).changes).toEqual({});

  for (const { script } of Object.values(edits)) await within(server, script);
  await within(server, "rm /etc/onprem-drift-gone");

  const preview = await stack.preview(program);
  const expected = { ...Object.fromEntries(Object.keys(edits).map((name) => [name, "update"])), gone: "create" };
  expect(preview.errors).toEqual([]);
  expect(preview.changes).toEqual(expected);
  for (const [name, { properties }] of Object.entries(edits)) {
    expect(preview.diffs[name], name).toEqual(properties.map((property) => expect.stringMatching(property)));
  }

  const healed = await stack.up(program);
  expect(healed.errors).toEqual([]);
  expect(healed.changes).toEqual(expected);
  expect((await stack.up(program)).changes).toEqual({});
  expect(
    await within(
      server,
      "cat /etc/onprem-drift /etc/onprem-drift-gone; systemctl is-active onprem-drift; dpkg-query -s tree | grep ^Status; wc -l < ~drifter/.ssh/authorized_keys; nft list table inet onprem | grep -c 8080 || true",
    ),
  ).toBe("one\ntwo\nhere\nactive\nStatus: install ok installed\n1\n0");

  const remaining = await stack.up(program.slice(0, 1));
  expect(remaining.errors).toEqual([]);
  expect(remaining.changes).toEqual({
    account: "delete",
    firewall: "delete",
    gone: "delete",
    packages: "delete",
    unit: "delete",
  });
  expect(
    await within(
      server,
      "ls /etc/onprem-drift-gone /etc/systemd/system/onprem-drift.service 2>&1 | grep -c 'No such'; id drifter 2>&1 | tail -1; nft list tables; dpkg-query -s tree 2>/dev/null | grep ^Status || echo removed; systemctl is-active onprem-drift || true",
    ),
  ).toMatch(/^2\nid: .drifter.: no such user\n(Status: deinstall ok config-files|removed)\ninactive$/);
  expect((await stack.destroy()).errors).toEqual([]);
});
