import fc from "fast-check";
import { expect, test } from "vitest";
import { readTargets, recordHostKey } from "../../../scripts/trust/stack-file.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0";
const other = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQ+/=";

const bare = `# Production of a fictional customer
encryptionsalt: v1:abc=:v1:def   # of this stack

config:
  # where it is
  os2mo-on-prem:server:
    host: 192.0.2.13   # documentation address
    user: deploy

  os2mo-on-prem:firewall:
    management: [198.51.100.0/24]
`;

test("a new key stands below the address, and nothing else changes", () => {
  expect(recordHostKey(bare, "Pulumi.prod.yaml", "server", key)).toBe(
    bare.replace("    user: deploy", `    hostKey: ${key}\n    user: deploy`),
  );
});

test.each([
  { name: "a value", old: `hostKey: ${other}`, edited: `hostKey: ${key}` },
  { name: "a value with a comment", old: `hostKey: "${other}"   # by hand`, edited: `hostKey: ${key}   # by hand` },
  {
    name: "nothing yet",
    old: "hostKey: # npm run trust writes it",
    edited: `hostKey: ${key} # npm run trust writes it`,
  },
  {
    name: "a list",
    old: `hostKey:\n      - ${other}\n      # an old one\n      - ${other}`,
    edited: `hostKey: ${key}`,
  },
  { name: "a list at the same indent", old: `hostKey:\n    - ${other}\n    - ${other}`, edited: `hostKey: ${key}` },
])("$name is replaced", ({ old, edited }) => {
  const text = (line: string) => bare.replace("    user: deploy", `    ${line}\n    # who logs in\n    user: deploy`);
  expect(recordHostKey(text(old), "Pulumi.prod.yaml", "server", key)).toBe(text(edited));
});

test("the jump host's key and the server's are told apart, in either order, also with quoted keys and Windows line ends", () => {
  const text = [
    "config:",
    '  "os2mo-on-prem:server":',
    "    jump:",
    "      host: 192.0.2.1",
    `      hostKey: ${other}`,
    "    host: 192.0.2.13",
    "",
  ].join("\r\n");
  expect(recordHostKey(text, "f", "server", key)).toBe(text.replace("192.0.2.13", `192.0.2.13\r\n    hostKey: ${key}`));
  expect(recordHostKey(text, "f", "jump", key)).toBe(text.replace(other, key));
});

test.each([
  "config:\n  os2mo-on-prem:server: { host: 192.0.2.13 }\n",
  "config: { os2mo-on-prem:server: { host: 192.0.2.13 } }\n",
  "config:\n  os2mo-on-prem:server: &server\n    host: 192.0.2.13\n",
])("a form that cannot be edited gets the line to put in by hand: %j", (text) => {
  expect(() => recordHostKey(text, "Pulumi.prod.yaml", "server", key)).toThrow(
    `Pulumi.prod.yaml could not be edited\n  the server's settings are not written one key a line\n  put this key there by hand: hostKey: ${key}`,
  );
});

test("whatever stands around it, the result is what was there plus the key, or an error", () => {
  const line = fc.constantFrom(
    "",
    "# hostKey: no",
    "    # host: no",
    "  os2mo-on-prem:time:",
    "    zone: Europe/Copenhagen",
    "    - a",
    "other: 1",
  );
  fc.assert(
    fc.property(fc.array(line), fc.array(line), (before, after) => {
      const text = ["config:", ...before, "  os2mo-on-prem:server:", "    host: 192.0.2.13", ...after].join("\n");
      let target: unknown;
      try {
        target = readTargets(text, "f");
      } catch {
        return;
      }
      try {
        expect(readTargets(recordHostKey(text, "f", "server", key), "f")).toEqual({
          ...(target as object),
          hostKey: key,
        });
      } catch (error) {
        expect((error as Error).message).toContain("f could not be edited");
      }
    }),
  );
});

test("a server's address, port, keys and jump host are read; all else is left to the settings", () => {
  const text = `config:
  os2mo-on-prem:server:
    host: 192.0.2.13
    port: 2222
    hostKey: [${other}]
    hostname: os2mo.kommune.example
    jump: { host: jump.kommune.example, user: jump, privateKeyFile: ~/.ssh/id }
`;
  expect(readTargets(text, "f")).toEqual({
    host: "192.0.2.13",
    port: 2222,
    hostKey: [other],
    jump: { host: "jump.kommune.example", user: "jump", privateKeyFile: "~/.ssh/id" },
  });
});

const vendors = `config:
  os2mo-on-prem:server:
    host: 192.0.2.13
  os2mo-on-prem:vpn:
    wireguard:
      hub:
        endpoint: 192.0.2.20:51820
        login:
          host: 192.0.2.20
          user: deploy
  os2mo-on-prem:management:
    salt:
      version: "3007.15"
      login:
        host: 192.0.2.30   # the master
        hostKey: ${other}
`;

test("the vendor's hub and master are read where their login stands there, and get their keys in their own places", () => {
  expect(readTargets(vendors, "f")).toEqual({
    host: "192.0.2.13",
    hub: { host: "192.0.2.20" },
    master: { host: "192.0.2.30", hostKey: other },
  });
  expect(recordHostKey(vendors, "f", "hub", key)).toBe(
    vendors.replace("          user: deploy", `          hostKey: ${key}\n          user: deploy`),
  );
  expect(recordHostKey(vendors, "f", "master", key)).toBe(vendors.replace(other, key));
  expect(() => readTargets(vendors.replace("host: 192.0.2.30", "port: 22"), "f")).toThrow(
    'f does not say which master to trust\n  config."os2mo-on-prem:management".salt.login.host is missing',
  );
});

test.each([
  { text: "", why: 'config."os2mo-on-prem:server" is missing or is nothing that can be used' },
  {
    text: "config:\n  os2mo-on-prem:server:\n    user: root\n",
    why: 'config."os2mo-on-prem:server".host is missing or is nothing that can be used',
  },
  {
    text: "config:\n  os2mo-on-prem:server:\n    host: a\n    port: ssh\n",
    why: 'config."os2mo-on-prem:server".port is missing or is nothing that can be used',
  },
])("a file that leads nowhere is refused: $why", ({ text, why }) => {
  expect(() => readTargets(text, "Pulumi.prod.yaml")).toThrow(
    `Pulumi.prod.yaml does not say which server to trust\n  ${why}\n`,
  );
});

test("a file that is no YAML is refused", () => {
  expect(() => readTargets("config: [", "Pulumi.prod.yaml")).toThrow("Pulumi.prod.yaml is no YAML\n");
});
