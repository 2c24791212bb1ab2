import { expect, test } from "vitest";
import { planAddresses } from "../../lab/address-plan.ts";
import { containersOf, groupName, nspawnWords } from "../../lab/machine.ts";
import { machineFiles } from "../../lab/machine-files.ts";
import { machinePlaces } from "../../lab/places.ts";
import { baseRecipe, vendorRecipe } from "../../lab/recipe.ts";

const plan = planAddresses("198.18.42.0/24");
const base = baseRecipe(undefined, { checks: [], proxy: undefined });
const machines = containersOf(plan, base, vendorRecipe(base));
const named = (name: string) => machines.find((machine) => machine.name === name) ?? expect.fail(name);
const filesOf = (name: string) =>
  machineFiles(plan, named(name), "ssh-ed25519 AAAA lab\n", "deb https://a.example/debian bookworm main\n");

test("SRV-1: three servers, and the vendor's host", () => {
  expect(machines.map(({ name, segment, recipe }) => [name, segment, recipe.name])).toEqual([
    ["dev", "servers", "rootfs"],
    ["test", "servers", "rootfs"],
    ["prod", "servers", "rootfs"],
    ["vendor", "vendor", "vendor"],
  ]);
});

test("nspawnWords: in the router's namespace, without the right to set the clock", () => {
  const places = { ...machinePlaces("e2e", "prod"), root: "/r", docker: "/d" };
  expect(nspawnWords("e2e", named("prod"), places)).toEqual([
    "nsenter",
    "--net=/run/netns/onprem-e2e-router",
    "systemd-nspawn",
    "--quiet",
    "--boot",
    "--directory=/r",
    "--machine=onprem-e2e-prod",
    "--hostname=prod",
    "--network-bridge=servers",
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
    "--register=no",
    "--keep-unit",
    "--capability=CAP_NET_ADMIN,CAP_BPF,CAP_PERFMON",
    "--bind=/dev/net/tun",
    "--bind=/d:/var/lib/docker",
  ]);
});

test("a server's files: what a firewall must let out stands at fixed addresses", () => {
  const files = filesOf("dev");
  expect(files["/etc/resolv.conf"]?.content).toBe(
    "nameserver 198.18.42.200\nnameserver 2001:2:0:2a4::200\nsearch lab.test\noptions timeout:1 attempts:2\n",
  );
  expect(files["/etc/apt/apt.conf.d/01proxy"]?.content).toBe(
    'Acquire::http::Proxy "http://198.18.42.65:3142";\nAcquire::http::Proxy::198.18.42.200 "DIRECT";\n',
  );
  expect(files["/etc/apt/sources.list"]?.content).toBe("deb http://HTTPS///a.example/debian bookworm main\n");
  expect(files["/etc/systemd/network/10-lab.network"]?.content).toBe(
    [
      "[Match]",
      "Name=host0",
      "[Network]",
      "Gateway=198.18.42.1",
      "Gateway=2001:2:0:2a0::1",
      "IPv6AcceptRA=no",
      "[Address]",
      "Address=198.18.42.11/26",
      "[Address]",
      "Address=2001:2:0:2a0::11/64",
      "DuplicateAddressDetection=none",
      "",
    ].join("\n"),
  );
});

test("both accounts accept the lab's key and nobody else reads the file", () => {
  for (const path of ["/root/.ssh/authorized_keys", "/home/deploy/.ssh/authorized_keys"]) {
    expect(filesOf("test")[path]).toEqual({ content: "ssh-ed25519 AAAA lab\n", mode: 0o600 });
  }
});

test("only the vendor's host serves names and time", () => {
  expect([filesOf("dev"), filesOf("vendor")].map((files) => Object.hasOwn(files, "/etc/bind/named.conf"))).toEqual([
    false,
    true,
  ]);
  expect(filesOf("vendor")["/etc/bind/lab.test.zone"]?.content.split("\n")).toContain("prod AAAA 2001:2:0:2a0::13");
});

test("a group's name tells lab and machine apart from every other lab's", () => {
  expect(groupName("e2e", "dev").startsWith(groupName("e2", ""))).toBe(false);
});
