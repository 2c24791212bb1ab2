import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, expect, test, vi } from "vitest";
import { actionsConnection, metKey } from "../../../infra/plugins/actions-connection.ts";

const served = vi.hoisted(() => [] as unknown[]);
vi.mock("../../../infra/provider/host/key-agent.ts", () => ({
  serveKeys: async (keys: unknown, socket: string) => served.push({ keys, socket }),
}));

const folder = mkdtempSync(join(tmpdir(), "onprem-actions-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const server = { host: "10.0.0.1", hostKey: "ssh-ed25519 AAAA", user: "ubuntu" };
const login = { ...server, port: 22 };

test("an agent of the user's is found by its variable and not told, another by its path", async () => {
  expect(await actionsConnection({ ...server, agent: "$SSH_AUTH_SOCK" }, true)).toEqual(login);
  expect(await actionsConnection({ ...server, agent: "/run/agent" }, true)).toEqual({
    ...login,
    agentSocketPath: "/run/agent",
  });
  expect(served).toEqual([]);
});

test("key files are served, never given: what is given is kept in the state", async () => {
  const [key, jumpKey] = ["a", "b"].map((name) => join(folder, name));
  writeFileSync(key as string, "text a");
  writeFileSync(jumpKey as string, "text b");
  const settings = {
    ...server,
    privateKeyFile: key as string,
    passphrase: "words",
    jump: { host: "jump", hostKey: "ssh-ed25519 BBBB", privateKeyFile: jumpKey as string },
  };
  const connection = await actionsConnection(settings, true);
  const [{ keys, socket }] = served as [{ keys: unknown; socket: string }];
  expect(keys).toEqual([{ text: "text a", passphrase: "words" }, { text: "text b" }]);
  expect(connection).toEqual({
    ...login,
    agentSocketPath: socket,
    proxy: { host: "jump", port: 22, user: "root", hostKey: "ssh-ed25519 BBBB", agentSocketPath: socket },
  });
  expect(Buffer.byteLength(socket)).toBeLessThan(100);

  served.length = 0;
  expect(await actionsConnection(settings, false)).toEqual(connection);
  expect(served).toEqual([]);
});

test("a key that is a secret of the configuration stays one", async () => {
  const connection = await actionsConnection({ ...server, privateKey: "text", passphrase: "words" }, true);
  const { privateKey, privateKeyPassword, ...open } = connection;
  expect(open).toEqual(login);
  expect(
    await Promise.all([privateKey, privateKeyPassword].map((one) => pulumi.isSecret(one as pulumi.Output<string>))),
  ).toEqual([true, true]);
});

test("two servers have two sockets", async () => {
  const key = join(folder, "a");
  const paths = await Promise.all(
    ["10.0.0.1", "10.0.0.2"].map(
      async (host) => (await actionsConnection({ ...server, host, privateKeyFile: key }, false)).agentSocketPath,
    ),
  );
  expect(paths[0]).not.toBe(paths[1]);
});

test.each([
  [["ssh-ed25519 A"], "ssh-ed25519 A"],
  [["ssh-ed25519 A", "ecdsa-sha2-nistp256 B"], "ecdsa-sha2-nistp256 B"],
  [["ssh-ed25519 A", "ssh-rsa C", "ecdsa-sha2-nistp256 B"], "ecdsa-sha2-nistp256 B"],
  [["ssh-ed25519 A", "ssh-rsa C"], "ssh-rsa C"],
])("of %j a client in Go meets %s", (lines, met) => {
  expect(metKey(lines.join("\n"))).toBe(met);
});

test("two stacks that log in to one host at once have a socket each", async () => {
  const settings = { host: "10.0.0.9", hostKey: "ssh-ed25519 A", privateKeyFile: "~/.ssh/none" };
  const socket = async (by?: string) => (await actionsConnection(settings, false, by)).agentSocketPath;
  expect(new Set([await socket(), await socket("dev"), await socket("test"), await socket("dev")]).size).toBe(3);
});
