import { afterAll, beforeAll, expect, test } from "vitest";
import type { SshHost } from "../../../infra/provider/host/ssh-host.ts";
import { file } from "../../../infra/provider/resources/file.ts";
import { lab } from "../on-lab.ts";
import { byHand, labHost, Managed } from "./lifecycle.ts";

const path = "/srv/a file; $(touch owned) 'æ'";
let host: SshHost;

beforeAll(async () => {
  host = await labHost(lab(), "dev", "deploy");
});
afterAll(async () => {
  await byHand(host, 'rm -rf -- "$1"', path);
  await host.close();
});

const text = async () => new TextDecoder().decode((await host.inspect(path, { content: 1000 }))[0]?.content);

test("a file goes through its life", async () => {
  const managed = new Managed(file, host);
  const given = { path, content: "one\n", owner: "deploy", mode: "0640" };
  expect(await managed.apply(given)).toEqual([`write ${path}`]);
  expect(await managed.apply(given)).toEqual([]);
  await byHand(host, 'echo two >> "$1"; chmod 0666 -- "$1"; chown root -- "$1"', path);
  expect(await managed.look()).toMatchObject({ content: "one\ntwo\n", owner: "root", mode: "0666" });
  expect(await managed.apply(given)).toEqual([`write ${path}`]);
  await byHand(host, 'rm -- "$1"', path);
  expect(await managed.look()).toBeUndefined();
  expect(await managed.apply({ ...given, content: "three\n" })).toEqual([`write ${path}`]);
  expect(await text()).toBe("three\n");
  expect(await managed.destroy()).toEqual([`remove ${path}`]);
  expect(await managed.destroy()).toEqual([]);
  expect(await host.inspect("/owned")).toEqual([]);
});

test("a file that its reader refuses never takes effect", async () => {
  const managed = new Managed(file, host);
  await managed.apply({ path, content: "good\n" });
  const bad = { path, content: "bad\n", validate: ["grep", "-q", "good", "{}"] };
  await expect(managed.apply(bad)).rejects.toThrow(/grep/);
  expect(await text()).toBe("good\n");
  expect(await managed.destroy()).toEqual([`remove ${path}`]);
});

test("what stood there before is taken over only when asked, and comes back", async () => {
  await byHand(host, 'printf theirs > "$1"; chmod 0604 -- "$1"', path);
  await expect(new Managed(file, host).apply({ path, content: "ours" })).rejects.toThrow(
    /was not made by this program/,
  );
  expect(await text()).toBe("theirs");
  const managed = new Managed(file, host);
  await managed.apply({ path, content: "ours", adopt: true });
  expect(await text()).toBe("ours");
  expect(await managed.destroy()).toEqual([`put back what stood at ${path}`]);
  expect([(await host.inspect(path))[0]?.mode, await text()]).toEqual(["0604", "theirs"]);
  expect(await managed.destroy()).toEqual([]);
  expect(await text()).toBe("theirs");
});
