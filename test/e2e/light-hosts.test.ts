import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../infra/provider/host/ssh-host.ts";
import { write } from "../../infra/provider/step.ts";
import { findGroups } from "../../lab/cgroup.ts";
import { LabError } from "../../lab/lab-error.ts";
import { type LightHost, startLightHosts, stopLightHosts } from "../../lab/light-hosts.ts";
import { saysSsh } from "../../lab/machine.ts";
import { lab } from "./on-lab.ts";

let hosts: LightHost[];
beforeAll(async () => {
  hosts = await startLightHosts(lab().name, 2);
});
afterAll(() => stopLightHosts(lab().name));

const reach = ({ address, hostKey, privateKeyFile }: LightHost) =>
  connect({ host: address, user: "deploy", hostKey, privateKeyFile }, { say: () => undefined });

test("each has a name, an address and a file system of its own", async () => {
  const seen = await Promise.all(
    hosts.map(async (light, index) => {
      const host = await reach(light);
      try {
        const file = { path: "/etc/light", content: `${index}\n`, owner: "root", group: "root", mode: "0644" };
        await host.perform([write("leave a mark", file)]);
        const { stdout } = await host.look(["cat", "/etc/light", "/proc/sys/kernel/hostname"]);
        return stdout.trim().split("\n");
      } finally {
        await host.close();
      }
    }),
  );
  expect(seen).toEqual([
    ["0", "light62"],
    ["1", "light61"],
  ]);
});

test("a number that there are no addresses for is refused", async () => {
  await expect(startLightHosts(lab().name, 41)).rejects.toThrow(LabError);
});

test("stopped, nothing of them is left", async () => {
  await stopLightHosts(lab().name);
  expect(await Promise.all(hosts.map(({ address }) => saysSsh(address)))).toEqual([false, false]);
  expect(await findGroups((name) => name.startsWith(`onprem-${lab().name}.light`))).toEqual([]);
});
