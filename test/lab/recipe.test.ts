import { expect, test } from "vitest";
import {
  baseRecipe,
  bootstrapWords,
  cacheName,
  installWords,
  layersOf,
  vendorRecipe,
  virtualMachineRecipe,
} from "../../lab/recipe.ts";

const mirrors = { main: "http://a.example/debian", security: "http://a.example/debian-security" };
const access = { checks: ['Acquire::Check-Date "false";'], proxy: "http://p.example:8080" };
const base = baseRecipe(mirrors, access);

test("the bare server brings nothing that the project installs", () => {
  for (const name of ["chrony", "systemd-timesyncd", "unattended-upgrades", "docker.io", "rsyslog"]) {
    expect(base.packages).not.toContain(name);
  }
});

test("no two machines share an identity: the base has no machine-id and no name", () => {
  expect([base.files["/etc/machine-id"]?.content, base.files["/etc/resolv.conf"]?.content]).toEqual(["", ""]);
});

test("bootstrapWords: everything ends with the process that builds", () => {
  expect(bootstrapWords({ ...base, packages: ["systemd", "sudo"] }, access, "/cache/x")).toEqual([
    ...["setpriv", "--pdeathsig", "KILL"],
    ...["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc"],
    ...["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", "--include=systemd,sudo"],
    "--dpkgopt=force-unsafe-io",
    '--aptopt=Acquire::Check-Date "false";',
    '--aptopt=Acquire::http::Proxy "http://p.example:8080";',
    "bookworm",
    "/cache/x",
    "deb http://a.example/debian bookworm main",
    "deb http://a.example/debian bookworm-updates main",
    "deb http://a.example/debian-security bookworm-security main",
  ]);
});

test("installWords", () => {
  expect(installWords(vendorRecipe(base), "/cache/root", "install")).toEqual([
    ...["setpriv", "--pdeathsig", "KILL"],
    ...["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child", "--mount-proc"],
    ...[
      "--root=/cache/root",
      "apt-get",
      "--quiet",
      "--option=APT::Update::Error-Mode=any",
      "--option=Acquire::https::CAInfo=/run/machine-authorities.crt",
      "install",
      "--yes",
      "--no-install-recommends",
      "bind9",
      "chrony",
    ],
  ]);
});

test("virtualMachineRecipe: a kernel on top of the bare server, and what else it is wanted with", () => {
  const kernel = ["linux-image-cloud-amd64", "initramfs-tools", "udev"];
  expect(virtualMachineRecipe(base)).toEqual({ ...base, name: "machine", packages: kernel, files: {}, on: base });
  expect(virtualMachineRecipe(base, ["chrony"]).packages).toEqual([...kernel, "chrony"]);
});

test("cacheName changes with everything that goes in, and with nothing else", () => {
  const names = [
    base,
    baseRecipe({ ...mirrors, main: "http://b.example/debian" }, access),
    baseRecipe(mirrors, { ...access, checks: [] }),
    baseRecipe(undefined, access),
    vendorRecipe(base),
    vendorRecipe(baseRecipe(undefined, access)),
  ].map(cacheName);
  expect(new Set(names).size).toBe(names.length);
  expect(cacheName(baseRecipe(mirrors, { ...access, proxy: undefined }))).toBe(names[0]);
  expect(names[0]).toMatch(/^rootfs-[0-9a-f]{12}$/);
});

test("layersOf goes from the lowest up", () => {
  expect(layersOf(vendorRecipe(base)).map(({ name }) => name)).toEqual(["rootfs", "vendor"]);
});
