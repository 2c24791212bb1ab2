import { utils } from "ssh2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { machine, stackOn, within } from "./on-lab.ts";

const server = machine("dev");
const wanted = [
  { name: "one", type: "File", args: { path: "/etc/onprem-errors-one", content: "1\n" } },
  { name: "two", type: "File", args: { path: "/etc/onprem-errors-two", content: "2\n" } },
];
const untouched = () => within(server, "ls /etc/onprem-errors-* 2>/dev/null || true");

describe("one clear error each, and nothing changed on the host", () => {
  test.each([
    {
      mistake: "a host key that is not the recorded one",
      connection: () => ({ hostKey: utils.generateKeyPairSync("ed25519").public }),
      error:
        /^the host key of dev\.lab\.test is not the one that was recorded\n {2}the server has ssh-ed25519 SHA256:\S{43}\n {2}recorded is {4}ssh-ed25519 SHA256:\S{43}\n {2}If the server/,
    },
    {
      mistake: "a recorded key of a type that the server does not have",
      connection: () => ({ hostKey: utils.generateKeyPairSync("rsa", { bits: 2048 }).public }),
      error: /host key/,
    },
    {
      mistake: "a host that does not answer",
      connection: () => ({ host: "198.18.0.1", port: 9, dialTimeout: 3 }),
      error: /^no ssh on \S+:9 \(dev\.lab\.test\)\n {2}.*\n {2}Is the server up/,
    },
    {
      mistake: "a key that the server does not accept",
      connection: () => ({ privateKeyFile: undefined, privateKey: utils.generateKeyPairSync("ed25519").private }),
      error: /^dev\.lab\.test does not let deploy in\n/,
    },
  ])("$mistake", async ({ connection, error }) => {
    await using stack = await stackOn(server, { connection: connection() });
    const run = await stack.up(wanted);
    expect(run.code).not.toBe(0);
    expect(run.errors).toEqual([expect.stringMatching(error)]);
    expect(run.changes).toEqual({});
    expect(await untouched()).toBe("");
  });

  describe("sudo", () => {
    beforeAll(() =>
      within(
        server,
        "useradd -m plain; install -d -o plain -m 700 ~plain/.ssh; install -o plain -m 600 ~deploy/.ssh/authorized_keys ~plain/.ssh/",
      ),
    );
    afterAll(() => within(server, "userdel -r plain 2>/dev/null"));

    test("an account that may not use sudo without a password", async () => {
      await using stack = await stackOn(server, { connection: { user: "plain" } });
      const run = await stack.up(wanted);
      expect(run.code).not.toBe(0);
      expect(run.errors).toEqual([expect.stringMatching(/sudo[\s\S]*plain[\s\S]*NOPASSWD/)]);
      expect(await untouched()).toBe("");
    });
  });

  test("mistaken arguments: every one is named, by resource and property", async () => {
    await using stack = await stackOn(server);
    const run = await stack.up([
      ...wanted,
      { name: "bad", type: "File", args: { path: "etc/motd", content: "x", mode: "9", ownr: "root" } },
    ]);
    expect(run.code).not.toBe(0);
    expect(run.errors.map((text) => /property (\w+)/.exec(text)?.[1]).sort()).toEqual(["mode", "ownr", "path"]);
  });

  test("a server that went away after the first run", async () => {
    await using stack = await stackOn(server, { connection: { dialTimeout: 3 } });
    expect((await stack.up(wanted)).code).toBe(0);
    await within(server, "systemctl stop ssh.socket ssh.service 2>/dev/null || systemctl stop ssh.service");
    try {
      const run = await stack.up(wanted);
      expect(run.errors).toHaveLength(1);
      expect(run.errors[0]).toMatch(/^no ssh on /);
    } finally {
      await within(server, "systemctl start ssh.service");
      expect((await stack.destroy()).errors).toEqual([]);
    }
    expect(await untouched()).toBe("");
  });
});
