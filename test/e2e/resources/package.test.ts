import { afterAll, beforeAll, expect, test } from "vitest";
import type { SshHost } from "../../../infra/provider/host/ssh-host.ts";
import { aptPackage } from "../../../infra/provider/resources/package.ts";
import { lab } from "../on-lab.ts";
import { byHand, labHost, Managed } from "./lifecycle.ts";

let host: SshHost;

beforeAll(async () => {
  host = await labHost(lab(), "dev");
});
afterAll(async () => {
  await byHand(host, "apt-mark unhold tree bc > /dev/null; dpkg --purge tree bc lesspipe-none 2> /dev/null || true");
  await host.close();
});

const prepare = "wait for other package managers and finish what was interrupted";

test("packages go through their life", async () => {
  const managed = new Managed(aptPackage, host);
  const given = { packages: { tree: "installed", bc: "installed", bash: "installed" } };
  expect(await managed.apply(given)).toEqual([prepare, "install bc, tree"]);
  expect(managed.seen.packages).toEqual(given.packages);
  expect(await managed.apply(given)).toEqual([]);

  await byHand(host, "dpkg --remove tree");
  expect((await managed.look())?.packages).toEqual({ ...given.packages, tree: "absent" });
  expect(await managed.apply(given)).toEqual([prepare, "install tree"]);

  const version = managed.seen.versions.tree ?? "";
  const pinned = { packages: { tree: version, bc: "installed" } };
  expect(await managed.apply(pinned)).toEqual(["put tree on hold"]);
  expect(managed.seen).toMatchObject({ packages: pinned.packages, held: ["tree"] });
  await byHand(host, "apt-mark unhold tree");
  expect((await managed.look())?.packages.tree).toBe(`${version}, not on hold`);
  expect(await managed.apply(pinned)).toEqual(["put tree on hold"]);

  expect(await managed.apply({ packages: { tree: "installed" } })).toEqual([
    prepare,
    "take tree off hold",
    "remove bc",
  ]);
  // bash was there before us.
  expect(await managed.destroy()).toEqual([prepare, "remove tree"]);
  expect(await managed.destroy()).toEqual([]);
  expect((await managed.look())?.packages).toEqual({ tree: "absent" });
});

test("an unknown package, an unknown version and a name that is an expression are errors, and change nothing", async () => {
  const attempt = (packages: Record<string, string>) => new Managed(aptPackage, host).apply({ packages });
  await expect(attempt({ tree: "installed", "no-such-package": "installed" })).rejects.toThrow(
    /could not install no-such-package, tree on dev.*\n.*no package source of this host has no-such-package/,
  );
  await expect(attempt({ tree: "0.0.0-1" })).rejects.toThrow(/Version '0.0.0-1' for 'tree' was not found/);
  await expect(attempt({ "t.ee": "installed" })).rejects.toThrow("no package source of this host has t.ee");
  expect((await host.look(["dpkg-query", "-W", "-f", "x", "tree"], { exits: [0, 1] })).stdout).not.toBe("x");
});

test("missing package lists are fetched", async () => {
  await byHand(host, "rm -rf /var/lib/apt/lists /var/cache/apt/*.bin");
  const managed = new Managed(aptPackage, host);
  await managed.apply({ packages: { tree: "installed" } });
  await managed.destroy();
});
