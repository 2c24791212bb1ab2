import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SshHost } from "../../../infra/provider/host/ssh-host.ts";
import { directory } from "../../../infra/provider/resources/directory.ts";
import { lab } from "../on-lab.ts";
import { byHand, labHost, Managed } from "./lifecycle.ts";

const path = "/srv/a directory; $(touch owned) 'æ'";
let host: SshHost;

beforeAll(async () => {
  host = await labHost(lab(), "dev");
});
afterAll(async () => {
  await byHand(host, 'rm -rf -- "$1"', path);
  await host.close();
});

describe("a directory", () => {
  test("goes through its life", async () => {
    const managed = new Managed(directory, host);
    expect(await managed.apply({ path, mode: "2750", owner: "deploy" })).toEqual([
      `make the directory ${path}`,
      `give ${path} to deploy:root`,
      `set mode 2750 on ${path}`,
    ]);
    expect(await managed.apply({ path, mode: "2750", owner: "deploy" })).toEqual([]);
    await byHand(host, 'chmod 00777 -- "$1"; chown root -- "$1"', path);
    expect(await managed.look()).toEqual({ path, type: "directory", owner: "root", group: "root", mode: "0777" });
    expect(await managed.apply({ path, mode: "2750", owner: "deploy" })).toEqual([
      `give ${path} to deploy:root`,
      `set mode 2750 on ${path}`,
    ]);
    expect(await managed.apply({ path })).toEqual([`give ${path} to root:root`, `set mode 0755 on ${path}`]);
    expect(managed.seen.mode).toBe("0755");
    await byHand(host, 'touch -- "$1/kept"', path);
    await expect(managed.destroy()).rejects.toThrow(/must be empty unless removeContents is true.*\n.*not empty/);
    await managed.apply({ path, removeContents: true });
    expect(await managed.destroy()).toEqual([`remove ${path} and what it holds`]);
    expect(await managed.look()).toBeUndefined();
    expect(await managed.destroy()).toEqual([]);
    expect(await host.inspect("/owned")).toEqual([]);
  });

  test("that others use, too, stays while it holds something, and goes when it is empty", async () => {
    const managed = new Managed(directory, host);
    await managed.apply({ path, shared: true });
    await byHand(host, 'touch -- "$1/theirs"', path);
    expect(await managed.destroy()).toEqual([`remove ${path} if it is empty`]);
    expect((await host.inspect(`${path}/theirs`)).length).toBe(1);
    await byHand(host, 'rm -- "$1/theirs"', path);
    await managed.destroy();
    expect(await managed.look()).toBeUndefined();
  });

  test("that was there before stays, with its owner and mode", async () => {
    await byHand(host, 'mkdir -m 0700 -- "$1"; touch -- "$1/theirs"', path);
    const managed = new Managed(directory, host);
    await expect(managed.apply({ path, mode: "0755" })).rejects.toThrow("adopt: true");
    expect(await managed.apply({ path, mode: "0755", adopt: true, removeContents: true })).toEqual([
      `set mode 0755 on ${path}`,
    ]);
    expect(await managed.destroy()).toEqual([`set mode 0700 on ${path}`]);
    expect(await managed.destroy()).toEqual([]);
    expect((await host.inspect(path, { recursive: true })).map(({ path, mode }) => [path, mode])).toEqual([
      [path, "0700"],
      [`${path}/theirs`, "0644"],
    ]);
  });
});
