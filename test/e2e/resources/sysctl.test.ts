import { afterAll, beforeAll, expect, it } from "vitest";
import type { SshHost } from "../../../infra/provider/host/ssh-host.ts";
import { sysctl } from "../../../infra/provider/resources/sysctl.ts";
import { lab as theLab } from "../on-lab.ts";
import { byHand, labHost, Managed } from "./lifecycle.ts";

const lab = theLab();
// A host of the lab shares its machine's kernel and may only set what belongs to its own network namespace.
const redirects = "net.ipv4.conf.all.send_redirects";
const range = "net.ipv4.ip_local_port_range";
const file = "/etc/sysctl.d/60-net.conf";
let host: SshHost;
beforeAll(async () => {
  host = await labHost(lab, "dev", "deploy");
});
afterAll(() => host.close());

async function values(): Promise<string[]> {
  const { stdout } = await host.look(["sysctl", "-n", redirects, range]);
  return stdout.trimEnd().split("\n");
}

it("creates, agrees, heals, updates and removes", async () => {
  const before = await values();
  const managed = new Managed(sysctl, host);
  const want = { name: "net", values: { [redirects]: "0", [range]: "20000 60999" } };

  expect(await managed.apply(want)).toEqual([`set ${redirects} to 0`, `set ${range} to 20000 60999`, `write ${file}`]);
  expect(await values()).toEqual(["0", "20000\t60999"]);
  expect(await managed.apply(want)).toEqual([]);

  await byHand(host, `sysctl -w ${redirects}=1; rm ${file}`);
  expect((await managed.look())?.values).toEqual({ [redirects]: "1", [range]: "20000 60999" });
  expect(await managed.apply(want)).toEqual([`set ${redirects} to 0`, `write ${file}`]);
  // What a boot does gives the same.
  await byHand(host, `sysctl -w ${redirects}=1; /lib/systemd/systemd-sysctl ${file}`);
  expect(await managed.apply(want)).toEqual([]);

  expect(await managed.apply({ name: "net", values: { [redirects]: "0" } })).toEqual([
    `set ${range} to ${before[1]?.replace("\t", " ")}`,
    `write ${file}`,
  ]);
  expect(await values()).toEqual(["0", before[1]]);

  expect(await managed.destroy()).toEqual([`remove ${file}`, `set ${redirects} to ${before[0]}`]);
  expect(await values()).toEqual(before);
  expect(await managed.destroy()).toEqual([]);
});

it("refuses a key that the kernel does not have, and changes nothing", async () => {
  const want = { name: "typo", values: { "net.ipv4.tcp_syncokies": "1", [redirects]: "0" } };
  await expect(new Managed(sysctl, host).apply(want)).rejects.toThrow(
    "nothing was changed on dev.lab.test\n  the kernel does not have, or does not show, net.ipv4.tcp_syncokies\n",
  );
  expect(await host.inspect("/etc/sysctl.d/60-typo.conf")).toEqual([]);
});

it("says what the kernel says to a value that it refuses, and leaves no file", async () => {
  const want = { name: "bad", values: { [redirects]: "many" } };
  await expect(new Managed(sysctl, host).apply(want)).rejects.toThrow(
    /could not set .* on dev\.lab\.test\n.*Invalid argument/,
  );
  expect(await host.inspect("/etc/sysctl.d/60-bad.conf")).toEqual([]);
});
