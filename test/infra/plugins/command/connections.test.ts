import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Connections, settingsOf } from "../../../../infra/plugins/command/connections.ts";
import { hostPair, loginPair, sshServer, type TestServer } from "../../provider/host/ssh-server.ts";

const login = { host: "h", port: 22, user: "deploy", hostKey: "k", dialErrorLimit: 10, perDialTimeout: 15 };
const settings = { host: "h", port: 22, user: "deploy", hostKey: "k", privileged: false, dialTimeout: 165 };

beforeEach(() => {
  vi.stubEnv("SSH_AUTH_SOCK", undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe("an official connection in our own terms", () => {
  test.each([
    ["the least: no sudo", {}, {}],
    ["a key and what opens it", { privateKey: "k", privateKeyPassword: "p" }, { privateKey: "k", passphrase: "p" }],
    ["an agent", { agentSocketPath: "/run/a" }, { agent: "/run/a" }],
    ["a proxy", { proxy: { ...login, host: "j" } }, { jump: { ...settings, host: "j" } }],
    ["attempts without end", { dialErrorLimit: -1 }, { dialTimeout: 86_400 }],
    ["one attempt", { dialErrorLimit: 0 }, { dialTimeout: 15 }],
    ["attempts of any length", { dialErrorLimit: 1, perDialTimeout: 0 }, { dialTimeout: 40 }],
  ])("%s", (_, more, expected) => {
    expect(settingsOf({ ...login, ...more })).toEqual({ ...settings, ...expected });
  });

  test("the agent of who runs the update is found without being told", () => {
    vi.stubEnv("SSH_AUTH_SOCK", "/run/mine");
    expect(settingsOf(login)).toEqual({ ...settings, agent: "/run/mine" });
    expect(settingsOf({ ...login, agentSocketPath: "/run/other" })).toEqual({ ...settings, agent: "/run/other" });
  });
});

describe("connections", () => {
  let server: TestServer;
  let connections: Connections;
  beforeEach(async () => {
    server = await sshServer();
    connections = new Connections();
  });
  afterEach(async () => {
    connections.cancel();
    await server.stop();
  });
  const to = (more: object = {}) =>
    connections.to(
      {
        ...login,
        host: "127.0.0.1",
        port: server.port,
        hostKey: hostPair.public,
        privateKey: loginPair.private,
        ...more,
      },
      () => undefined,
    );

  test("are shared by all that name the same host and account", async () => {
    const [one, other] = await Promise.all([to(), to()]);
    expect(one).toBe(other);
    expect(await to({ user: "other" })).not.toBe(one);
    expect(server.connections).toBe(2);
  });

  test("end when the run is cancelled, and none is made any more", async () => {
    const host = await to();
    connections.cancel();
    await expect(host.look(["true"])).rejects.toThrow("the run was cancelled");
    await expect(to({ user: "other" })).rejects.toThrow("the run was cancelled");
  });
});
