import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type Dialled, dial } from "../../../../infra/provider/host/dial.ts";
import {
  Cancelled,
  HostKeyMismatch,
  LoginRefused,
  NotTrusted,
  Unreachable,
} from "../../../../infra/provider/host/errors.ts";
import { serveKeys } from "../../../../infra/provider/host/key-agent.ts";
import { readHostKey } from "../../../../infra/provider/host/read-host-key.ts";
import { ed25519Pair } from "../../../ed25519.ts";
import { hostPair, loginPair, type ServerOptions, sshServer, type TestServer } from "./ssh-server.ts";

const cleanups: (() => unknown)[] = [];
const said: string[] = [];
const say = (_: string, text: string) => void said.push(text);

afterEach(async () => {
  said.length = 0;
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function server(options?: ServerOptions): Promise<TestServer> {
  const started = await sshServer(options);
  cleanups.push(() => started.stop());
  return started;
}

async function dialled(...given: Parameters<typeof dial>): Promise<Dialled> {
  const connection = await dial(...given);
  connection.client.on("error", () => {});
  cleanups.push(() => connection.end());
  return connection;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

describe("dialling", () => {
  test("logs in with one attempt", async () => {
    const trial = await server();
    await dialled(trial.settings, { say });
    expect(trial.connections).toBe(1);
    expect(said).toEqual([]);
  });

  test("without a recorded key it sends nothing", async () => {
    const trial = await server();
    await expect(dial({ ...trial.settings, hostKey: "" }, { say })).rejects.toThrow(NotTrusted);
    expect(trial.connections).toBe(0);
  });

  test("with another key it ends at once and shows both fingerprints", async () => {
    const trial = await server();
    const began = performance.now();
    const error = await dial({ ...trial.settings, hostKey: loginPair.public }, { say }).catch((error) => error);
    expect(error).toBeInstanceOf(HostKeyMismatch);
    const { fingerprint } = await readHostKey({ host: "127.0.0.1", port: trial.port });
    expect(error.message.split("\n")).toEqual([
      "the host key of trial is not the one that was recorded",
      `  the server has ssh-ed25519 ${fingerprint}`,
      expect.stringMatching(/^ {2}recorded is {4}ssh-ed25519 SHA256:[\w+/]{43}$/),
      expect.stringContaining("npm run trust -- STACK --replace"),
    ]);
    expect(performance.now() - began).toBeLessThan(2000);
    expect(trial.logins).toBe(0);
  });

  test("with a key type that the server does not have it says so", async () => {
    const trial = await server();
    const rsa =
      "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDAFM25yKSHnvq9ZUwPBr9Gkn4q3eX5F5lqQ0hIh5CkVLCWcvjbzqcgDIhHwzCaqnMkg7+JVPbzTGVAgmz1NcYGUlH7iI9DZHmb0Nu7dPb9bq6Xj2RXgUOkCBmwmHqTtzNE7T1Ix+bYe8h6mXvnvYvn7o0v2PqKjYbDhXv2KNSbQw==";
    await expect(dial({ ...trial.settings, hostKey: rsa }, { say })).rejects.toThrow(HostKeyMismatch);
    await expect(
      dial({ ...trial.settings, hostKey: `${rsa}\n${hostPair.public}` }, { say }).then((one) => one.end()),
    ).resolves.toBe(undefined);
  });

  test("a refused login is never tried again, and says who and with what", async () => {
    const trial = await server({ admit: false });
    const error = await dial({ ...trial.settings, user: "anna" }, { say }).catch((error) => error);
    expect(error).toBeInstanceOf(LoginRefused);
    expect(error.message).toMatch(
      /^trial does not let anna in\n {2}tried the private key in the settings \(SHA256:.{43}\)\n {2}the server accepts publickey\n {2}Put our public key into ~anna\/.ssh\/authorized_keys/,
    );
    expect(error.message).not.toContain("PRIVATE KEY");
    expect(trial.connections).toBe(1);
  });

  test.each([
    ["no key at all", {}, "there is no key to log in with"],
    ["a file that is not there", { privateKeyFile: "/nowhere/id" }, "key file /nowhere/id: ENOENT"],
    ["a key that is none", { privateKey: "rubbish" }, "the private key in the settings: not a private key"],
    [
      "a public key",
      { privateKey: loginPair.public },
      "the private key in the settings: not a private key but a public one",
    ],
  ])("%s is an error before anything is sent", async (_, key, why) => {
    const trial = await server();
    const { privateKey: __, ...settings } = trial.settings;
    const error = await dial({ ...settings, ...key }, { say }).catch((error) => error);
    expect(error).toBeInstanceOf(LoginRefused);
    expect(error.message).toContain(why);
    expect(trial.connections).toBe(0);
  });

  describe("an encrypted key", () => {
    const encrypted = ed25519Pair("open sesame");

    test("is opened by its passphrase", async () => {
      const trial = await server();
      await dialled({ ...trial.settings, privateKey: encrypted.private, passphrase: "open sesame" }, { say });
      expect(trial.logins).toBeGreaterThan(0);
    });

    test.each([{}, { passphrase: "wrong one" }])("is not by %j, and the error does not quote it", async (given) => {
      const trial = await server();
      const error = await dial({ ...trial.settings, privateKey: encrypted.private, ...given }, { say }).catch(
        (error) => error,
      );
      expect(error).toBeInstanceOf(LoginRefused);
      expect(error.message).toContain("it is encrypted, and the passphrase is missing or wrong");
      expect(error.message).not.toContain("wrong one");
    });
  });

  test("an agent's key is used, and an agent that is not there is named", async () => {
    const trial = await server();
    const folder = await mkdtemp(join(tmpdir(), "onprem-dial-"));
    cleanups.push(() => rm(folder, { recursive: true }));
    const { privateKey: _, ...settings } = trial.settings;
    const agent = join(folder, "agent");
    const service = await serveKeys([{ text: loginPair.private }], agent);
    cleanups.push(() => service.close());
    await dialled({ ...settings, agent }, { say });
    expect(trial.connections).toBe(1);
    const error = await dial({ ...settings, agent: join(folder, "none") }, { say }).catch((error) => error);
    expect(error).toBeInstanceOf(LoginRefused);
    expect(error.message).toContain(`the keys of the SSH agent at ${join(folder, "none")}`);
  });

  describe("a password", () => {
    const password = { from: "THE_PASSWORD", text: "correct horse", logsIn: true };
    const settingsOf = ({ settings: { privateKey: _, ...settings } }: TestServer) => ({ ...settings, user: "anna" });

    test.each([
      { methods: ["publickey", "password", "keyboard-interactive"] as const, method: "password" },
      { methods: ["publickey", "keyboard-interactive"] as const, method: "keyboard-interactive" },
    ])("is given once, by $method where the server offers $methods", async ({ methods, method }) => {
      const trial = await server({ methods });
      await dialled({ ...settingsOf(trial), password }, { say });
      expect(trial.attempts).toEqual([{ user: "anna", method, password: "correct horse" }]);
    });

    test("that is wrong is one attempt in all, and no error quotes it", async () => {
      const trial = await server({ methods: ["password", "keyboard-interactive"], opens: () => false });
      const error = await dial({ ...settingsOf(trial), password }, { say }).catch((error) => error);
      expect(error).toBeInstanceOf(LoginRefused);
      expect(error.message.split("\n")).toEqual([
        "trial does not let anna in",
        "  tried the password in THE_PASSWORD",
        "  the server accepts password, keyboard-interactive",
        expect.stringContaining("Is it the password of anna"),
      ]);
      expect([trial.connections, trial.attempts.length]).toEqual([1, 1]);
    });

    test("answers the question whose answer does not show, and no other", async () => {
      const questions = [
        { prompt: "User: ", echo: true },
        { prompt: "Password: ", echo: false },
        { prompt: "New password: ", echo: false },
      ];
      const trial = await server({ methods: ["keyboard-interactive"], questions });
      await dialled({ ...settingsOf(trial), password }, { say });
      expect(trial.attempts.map(({ password }) => password)).toEqual([" correct horse "]);
    });

    test("is not sent to a server that takes keys alone", async () => {
      const trial = await server();
      await expect(dial({ ...settingsOf(trial), password }, { say })).rejects.toThrow("the server accepts publickey");
      expect(trial.attempts).toEqual([]);
    });

    test("that nobody gave is asked for before anything is sent", async () => {
      const trial = await server({ methods: ["password"] });
      const { text: _, ...missing } = password;
      const error = await dial({ ...settingsOf(trial), password: missing }, { say }).catch((error) => error);
      expect(error).toBeInstanceOf(LoginRefused);
      expect(error.message).toContain("there is no password: THE_PASSWORD is not set");
      expect(trial.connections).toBe(0);
    });
  });

  test("gives a login more time than an answer, and says what it waited for in vain", async () => {
    const trial = await server({ thinks: 0.8 });
    await dialled(trial.settings, { say, answer: 0.5 });
    expect([trial.connections, said]).toEqual([1, []]);
    const error = await dial({ ...trial.settings, dialTimeout: 1 }, { say, attempt: 0.4 }).catch((error) => error);
    expect(error).toBeInstanceOf(Unreachable);
    expect(error.message).toMatch(/\n {2}it answers, but the login does not end; tried for [0-2] s\n/);
  });

  test("waits for a server that is not up yet, and says so every few seconds", { timeout: 20_000 }, async () => {
    const port = await freePort();
    const settings = { host: "127.0.0.1", port, hostKey: hostPair.public, privateKey: loginPair.private };
    const connected = dialled(settings, { say });
    await expect.poll(() => said.length, { timeout: 10_000 }).toBe(1);
    expect(said[0]).toMatch(new RegExp(`^waiting for ssh on 127.0.0.1:${port}, [5-9] s so far: connection refused$`));
    await server({ port });
    await connected;
  });

  test("gives up after the dial timeout", async () => {
    const port = await freePort();
    const settings = {
      host: "127.0.0.1",
      port,
      hostKey: hostPair.public,
      privateKey: loginPair.private,
      dialTimeout: 1,
    };
    const error = await dial(settings, { say }).catch((error) => error);
    expect(error).toBeInstanceOf(Unreachable);
    expect(error.message).toMatch(
      /^no ssh on 127.0.0.1:\d+\n {2}connection refused; tried for [01] s\n {2}127\.0\.0\.1 is this machine: is the local tunnel up/,
    );
  });

  test.each([
    {
      vpn: {},
      said: /Is the server up, is the address right as 127\.0\.0\.1 sees it, and may 127\.0\.0\.1 reach that port\?$/,
    },
    {
      vpn: { vpn: { name: "WireGuard (the hub 10.66.0.20:51820)", ranges: ["10.99.0.0/24"], dialIn: false } },
      said: /may 127\.0\.0\.1 reach that port, and the server's tunnel: WireGuard \(the hub 10\.66\.0\.20:51820\)\?$/,
    },
  ])("behind a jump host that works, it is the way from there that is asked after: $said", async ({ vpn, said }) => {
    const { settings: jump } = await server();
    const settings = { ...jump, port: await freePort(), dialTimeout: 1, jump, ...vpn };
    expect((await dial(settings, { say }).catch((error) => error)).message).toMatch(said);
  });

  test("a port that says nothing counts as no answer", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    cleanups.push(() => silent.close());
    const { port } = silent.address() as { port: number };
    const settings = {
      host: "127.0.0.1",
      port,
      hostKey: hostPair.public,
      privateKey: loginPair.private,
      dialTimeout: 1,
    };
    await expect(dial(settings, { say })).rejects.toThrow(/no answer; tried for 1 s/);
  });

  test("an unknown name is no reason to wait", async () => {
    const settings = { host: "no-such-host.invalid", hostKey: hostPair.public, privateKey: loginPair.private };
    const began = performance.now();
    await expect(dial(settings, { say })).rejects.toThrow(Unreachable);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test("stops when told to", async () => {
    const stop = new AbortController();
    const port = await freePort();
    const settings = { host: "127.0.0.1", port, hostKey: hostPair.public, privateKey: loginPair.private };
    const work = dial(settings, { say, signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    await expect(work).rejects.toThrow(Cancelled);
  });

  test("goes through a jump host, whose own key is pinned too", async () => {
    const [jump, inner] = [await server(), await server()];
    await dialled({ ...inner.settings, jump: jump.settings }, { say });
    expect([jump.connections, inner.connections]).toEqual([1, 1]);
    const wrong = { ...jump.settings, hostKey: loginPair.public, name: "jump" };
    await expect(dial({ ...inner.settings, jump: wrong }, { say })).rejects.toThrow("the host key of jump is not");
    expect(inner.connections).toBe(1);
  });
});
