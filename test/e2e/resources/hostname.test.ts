import { afterAll, beforeAll, expect, it } from "vitest";
import type { SshHost } from "../../../infra/provider/host/ssh-host.ts";
import { hostname } from "../../../infra/provider/resources/hostname.ts";
import { lab as theLab } from "../on-lab.ts";
import { byHand, labHost, Managed } from "./lifecycle.ts";

const lab = theLab();
let host: SshHost;
beforeAll(async () => {
  host = await labHost(lab, "dev", "deploy");
});
afterAll(() => host.close());

async function read(path: string): Promise<string> {
  const [seen] = await host.inspect(path, { content: 65536 });
  return new TextDecoder().decode(seen?.content);
}

it("creates, agrees, heals, updates and removes", async () => {
  const before = await read("/etc/hosts");
  const managed = new Managed(hostname, host);
  const all = ["write /etc/hosts", "write /etc/hostname", "call the server web"];

  expect(await managed.apply({ name: "web.example.dk" })).toEqual(all);
  expect((await host.look(["hostname", "-f"])).stdout).toBe("web.example.dk\n");
  expect(await managed.apply({ name: "web.example.dk" })).toEqual([]);

  await byHand(host, "hostname elsewhere; echo elsewhere >/etc/hostname; sed -i /127.0.1.1/d /etc/hosts");
  expect(await managed.look()).toMatchObject({ name: "elsewhere", live: "elsewhere" });
  expect(await managed.apply({ name: "web.example.dk" })).toEqual(all);

  expect(await managed.apply({ name: "web.example.com" })).toEqual(["write /etc/hosts"]);
  expect((await host.look(["hostname", "-f"])).stdout).toBe("web.example.com\n");

  expect(await managed.destroy()).toEqual(["write /etc/hosts", "write /etc/hostname", "call the server dev"]);
  expect([await read("/etc/hosts"), await read("/etc/hostname")]).toEqual([before, "dev\n"]);
  expect(await managed.destroy()).toEqual([]);
});
