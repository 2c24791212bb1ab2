import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { HostKeyMismatch, LoginRefused, SudoRefused, Unreachable } from "../../../../infra/provider/host/errors.ts";
import type { ConnectionSettings } from "../../../../infra/provider/host/settings.ts";
import { connect, type SshHost } from "../../../../infra/provider/host/ssh-host.ts";
import { ed25519Pair } from "../../../ed25519.ts";
import { type Attempt, hostPair, loginPair, type ServerOptions, sshServer, type TestServer } from "./ssh-server.ts";

// ACC-2: from the customer's login to the administrator's. The accounts are those of a server in this process, sudo is a
// script; test/e2e/access.test.ts has the real ones.

const cleanups: (() => unknown)[] = [];
const said: string[] = [];
const say = (_: string, text: string) => void said.push(text);

afterEach(async () => {
  said.length = 0;
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function server(options: ServerOptions): Promise<TestServer> {
  const started = await sshServer({ methods: ["publickey", "password"], ...options });
  cleanups.push(() => started.stop());
  return started;
}

async function entered(settings: ConnectionSettings): Promise<SshHost> {
  const host = await connect(settings, { say });
  cleanups.push(() => host.close());
  return host;
}

const failed = (settings: ConnectionSettings) => connect(settings, { say }).catch((error) => error);

const oldPair = ed25519Pair();
const password = { from: "THE_PASSWORD", text: "correct horse", logsIn: true };
/** The accounts that were used, each once however many packets that took. */
const users = (attempts: readonly Attempt[]) => [
  ...new Set(attempts.map(({ user, method }) => `${user} by ${method}`)),
];
const only =
  (...names: string[]) =>
  ({ user }: Attempt) =>
    names.includes(user);

/** A `sudo` that asks like the real one: `-S` and `-p PROMPT`, three tries, and what it says when they fail. */
const asking = `#!/bin/sh
[ "$1" = -n ] && { echo 'sudo: a password is required' >&2; exit 1; }
prompt=$3; shift 4
echo 'We trust you have received the usual lecture.' >&2
for try in 1 2 3; do
    printf %s "$prompt" >&2
    # One byte at a time, as sudo reads: what follows is the program's.
    given=; while c=$(dd bs=1 count=1 2>/dev/null | od -An -c | tr -d ' '); [ "$c" != '\\n' ] && [ -n "$c" ]; do given=$given$c; done
    [ -z "$given" ] && [ -z "$c" ] && { echo 'sudo: no password was provided' >&2; exit 1; }
    [ "$given" = correcthorse ] && exec "$@"
    echo 'Sorry, try again.' >&2
done
exit 1
`;
const trusting = `#!/bin/sh
[ "$1" = -n ] && shift 2 || shift 4
exec "$@"
`;

/** A login whose shell finds a `sudo` of the test's. */
async function withSudo(script: string): Promise<ServerOptions> {
  const folder = await mkdtemp(join(tmpdir(), "onprem-sudo-"));
  cleanups.push(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "sudo"), script);
  await chmod(join(folder, "sudo"), 0o755);
  return { wrap: (command) => `PATH=${folder}:$PATH; ${command}` };
}

describe("the lasting login", () => {
  test("is the only one that is tried where the server accepts it", async () => {
    const trial = await server({});
    await entered({ ...trial.settings, initial: { user: "ubuntu", password } });
    expect([users(trial.attempts), trial.connections, said]).toEqual([["root by publickey"], 1, []]);
  });

  test("that the server refuses gives way to the first contact, which is told once and stays in use", async () => {
    const trial = await server({ opens: only("root") });
    const { privateKey, ...way } = trial.settings;
    const host = await entered({
      ...way,
      privateKey: privateKey ?? "",
      user: "anna",
      initial: { user: "root", password },
    });
    expect((await host.look(["echo", "here"])).stdout).toBe("here\n");
    trial.cut();
    expect((await host.look(["echo", "again"])).stdout).toBe("again\n");
    const first = "trial: first contact: logged in as root, for anna is not there yet";
    expect(said.filter((text) => text.includes("first contact"))).toEqual([first]);
    expect(trial.attempts.map(({ user, method }) => `${user} by ${method}`)).toEqual([
      "anna by publickey",
      "root by password",
      "root by password",
    ]);
  });

  test.each([
    ["a server that proves another key", { hostKey: loginPair.public }, HostKeyMismatch],
    ["a server that does not answer", { port: 1, dialTimeout: 1 }, Unreachable],
    ["a key file that is missing", { privateKey: undefined, privateKeyFile: "/nowhere/id" }, LoginRefused],
  ])("that meets %s gives way to nothing", async (_, change, kind) => {
    const trial = await server({ opens: only("root") });
    const settings = { ...trial.settings, user: "anna", initial: { user: "root", password }, ...change };
    expect(await failed(settings as ConnectionSettings)).toBeInstanceOf(kind);
    expect(trial.attempts).toEqual([]);
  });

  test("gives way to nothing where it is the jump host that refuses", async () => {
    const [jump, trial] = [await server({ opens: () => false }), await server({})];
    const error = await failed({
      ...trial.settings,
      jump: { ...jump.settings, name: "jump" },
      initial: { user: "root", password },
    });
    expect(error).toBeInstanceOf(LoginRefused);
    expect(error.message).toContain("jump does not let root in");
    expect([users(jump.attempts), trial.connections]).toEqual([["root by publickey"], 0]);
  });

  test("and the first contact, both refused, are one error with both reasons, after one attempt each", async () => {
    const trial = await server({ opens: () => false });
    const error = await failed({ ...trial.settings, user: "anna", initial: { user: "ubuntu", password } });
    expect(error).toBeInstanceOf(LoginRefused);
    expect(error.message.split("\n")).toEqual([
      "no login opens trial",
      expect.stringMatching(/^ {2}trial does not let anna in: tried the private key in the settings/),
      expect.stringMatching(/^ {2}trial does not let ubuntu in: tried the password in THE_PASSWORD/),
      expect.stringContaining("Is it the password of ubuntu"),
    ]);
    expect(trial.connections).toBe(2);
  });

  test("gives way to the key until now, before the first contact", async () => {
    const old = oldPair.public.split(" ").slice(0, 2).join(" ");
    const trial = await server({ opens: ({ key }) => key === old });
    const previous = { privateKey: oldPair.private };
    await entered({ ...trial.settings, previous, initial: { user: "ubuntu", password } });
    expect(users(trial.attempts)).toEqual(["root by publickey"]);
    expect(said).toEqual(["trial: logged in as root with the previous key, for the new one is not there yet"]);
  });
});

describe("sudo at the first contact", () => {
  const initial = { user: "ubuntu", privateKey: loginPair.private };
  const ubuntuAlone = { opens: only("ubuntu") };

  test("gets the password where it asks, however the account logged in", async () => {
    const trial = await server({ ...ubuntuAlone, ...(await withSudo(asking)) });
    const given = { from: "THE_PASSWORD", text: "correcthorse", logsIn: false };
    const host = await entered({ ...trial.settings, user: "anna", initial: { ...initial, password: given } });
    expect((await host.look(["echo", "as root"])).stdout).toBe("as root\n");
    expect(users(trial.attempts)).toEqual(["anna by publickey", "ubuntu by publickey"]);
  });

  test("gets none where it does not ask", async () => {
    const trial = await server({ ...ubuntuAlone, ...(await withSudo(trusting)) });
    const given = { from: "THE_PASSWORD", text: "correcthorse", logsIn: false };
    const host = await entered({ ...trial.settings, user: "anna", initial: { ...initial, password: given } });
    expect((await host.look(["cat"], { stdin: "only this" })).stdout).toBe("only this");
  });

  test("that refuses the password is asked no second time, and no error quotes it", async () => {
    const trial = await server({ ...ubuntuAlone, ...(await withSudo(asking)) });
    const given = { from: "THE_PASSWORD", text: "wronghorse", logsIn: false };
    const error = await failed({ ...trial.settings, user: "anna", initial: { ...initial, password: given } });
    expect(error.cause).toBeInstanceOf(SudoRefused);
    expect(error.message).toContain(
      "ubuntu on trial cannot become root: Sorry, try again.; sudo: no password was provided",
    );
    expect(error.message).toContain("Is the password in THE_PASSWORD that of ubuntu");
    expect(error.message).not.toMatch(/wronghorse|lecture|onprem-sudo/);
  });

  test("says which variable to set where nobody gave a password", async () => {
    const trial = await server({ ...ubuntuAlone, ...(await withSudo(asking)) });
    const given = { from: "THE_PASSWORD", logsIn: false };
    const error = await failed({ ...trial.settings, user: "anna", initial: { ...initial, password: given } });
    expect(error.message).toContain("Set THE_PASSWORD to the password of ubuntu, for this run alone.");
  });

  test("that does not obey the lasting login yet is no end: the first contact comes next", async () => {
    const trial = await server(await withSudo(asking));
    const host = await entered({ ...trial.settings, user: "anna", initial: { user: "root", password } });
    expect((await host.look(["echo", "here"])).stdout).toBe("here\n");
    expect(said).toEqual(["trial: first contact: logged in as root, for anna may not use sudo yet"]);
  });
});

test("the host key of the first contact is the pinned one too", async () => {
  const trial = await server({ opens: only("root") });
  const error = await failed({ ...trial.settings, hostKey: loginPair.public, initial: { user: "root", password } });
  expect(error).toBeInstanceOf(HostKeyMismatch);
  expect(hostPair.public).not.toBe(loginPair.public);
});
