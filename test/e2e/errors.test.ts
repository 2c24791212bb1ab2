import { generateKeyPairSync, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { machine, stackOn, within } from "./on-lab.ts";

const server = machine("dev");
const wanted = [
  { name: "one", type: "File", args: { path: "/etc/onprem-errors-one", content: "1\n" } },
  { name: "two", type: "File", args: { path: "/etc/onprem-errors-two", content: "2\n" } },
];
const untouched = () => within(server, "ls /etc/onprem-errors-* 2>/dev/null || true");

/** A public key of nobody, in OpenSSH's form: the type and its numbers, each with its length before it (RFC 4253, 6.6). */
function publicKey(type: string, ...lengths: number[]): string {
  const parts = [
    Buffer.from(type),
    ...lengths.map((length) => Buffer.concat([Buffer.from([0x01]), randomBytes(length - 1)])),
  ];
  const blob = parts.map((part) => Buffer.concat([Buffer.from([0, 0, part.length >> 8, part.length & 255]), part]));
  return `${type} ${Buffer.concat(blob).toString("base64")}`;
}

/** Not by ssh2: one in some hundred of its ed25519 keys cannot be read again. */
function strangersKey(): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return String(privateKey.export({ type: "pkcs1", format: "pem" }));
}

describe("one clear error each, and nothing changed on the host", () => {
  test.each([
    {
      mistake: "a host key that is not the recorded one",
      connection: () => ({ hostKey: publicKey("ssh-ed25519", 32) }),
      error:
        /^the host key of dev\.lab\.test is not the one that was recorded\n {2}the server has ssh-ed25519 SHA256:\S{43}\n {2}recorded is {4}ssh-ed25519 SHA256:\S{43}\n {2}If the server/,
    },
    {
      mistake: "a recorded key of a type that the server does not have",
      connection: () => ({ hostKey: publicKey("ssh-rsa", 3, 257) }),
      error: /host key/,
    },
    {
      mistake: "a host that does not answer",
      connection: () => ({ host: "198.18.0.1", port: 9, dialTimeout: 3 }),
      error: /^no ssh on \S+:9 \(dev\.lab\.test\)\n {2}.*\n {2}Is the server up/,
    },
    {
      mistake: "a key that the server does not accept",
      connection: () => ({ privateKeyFile: undefined, privateKey: strangersKey() }),
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
});
