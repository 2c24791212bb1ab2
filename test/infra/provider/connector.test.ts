import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { connector } from "../../../infra/provider/connector.ts";
import { type Problem, Problems } from "../../../infra/provider/problems.ts";
import { hostPair, loginPair, sshServer, type TestServer } from "./host/ssh-server.ts";

const login = { host: "h", hostKey: "ssh-ed25519 AAAA", privateKeyFile: "~/.ssh/id" };

function checked(given: object, unknown: string[] = [], secret: string[] = []) {
  const problems = new Problems(
    unknown,
    secret.map((key) => [key]),
  );
  return { config: connector.check({ ...given }, problems), problems: problems.found };
}

describe("check", () => {
  test("fills in defaults, and takes the engine's text for numbers and maps", () => {
    expect(
      checked({ ...login, port: "2222", dialTimeout: "5", jump: JSON.stringify(login), version: "1.0.0" }),
    ).toEqual({
      config: {
        ...login,
        port: 2222,
        user: "root",
        dialTimeout: 5,
        jump: { ...login, port: 22, user: "root" },
        version: "1.0.0",
      },
      problems: [],
    });
  });

  test.each<[string, object, Problem["property"][]]>([
    ["nothing", {}, ["host", "hostKey", "privateKeyFile"]],
    ["no key to log in with", { host: "h", hostKey: "k" }, ["privateKeyFile"]],
    ["no host key: there is no connection without one", { ...login, hostKey: "" }, ["hostKey"]],
    ["a port out of range", { ...login, port: "70000" }, ["port"]],
    ["no time at all", { ...login, dialTimeout: "0" }, ["dialTimeout"]],
    ["a word that does not exist", { ...login, pasword: "x" }, ["pasword"]],
    ["a jump host without a key", { ...login, jump: '{"host":"j"}' }, ["jump.hostKey"]],
    ["a jump host that is no map", { ...login, jump: "j" }, ["jump"]],
    ["a first login without an account", { ...login, initial: '{"password":true}' }, ["initial.user"]],
    ["a password in the configuration", { ...login, initial: '{"user":"u","password":"x"}' }, ["initial.password"]],
    ["a previous login with an account of its own", { ...login, previous: '{"user":"u"}' }, ["previous.user"]],
  ])("%s", (_, given, properties) => {
    expect(checked(given).problems.map(({ property }) => property)).toEqual(properties);
  });

  test("a key that is not known yet is a key", () => {
    expect(checked({ host: "h", hostKey: "k" }, ["privateKey"]).problems).toEqual([]);
  });

  test("shows no secret", () => {
    const { problems } = checked({ ...login, passphrase: ["s3cret"] }, [], ["passphrase"]);
    expect(problems).toEqual([{ property: "passphrase", reason: expect.stringMatching(/given: \[secret\]$/) }]);
  });
});

describe("connect", () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await sshServer();
  });
  afterEach(() => server.stop());

  const connect = (more: object) => {
    const config = { host: "127.0.0.1", port: String(server.port), hostKey: hostPair.public, user: "root", ...more };
    const { config: ready, problems } = checked(config);
    expect(problems).toEqual([]);
    return connector.connect(ready, () => undefined, new AbortController().signal);
  };

  test("logs in, under the name that messages use", async () => {
    const link = await connect({ privateKey: loginPair.private, label: "dev.example.dk", version: "1.0.0" });
    expect([link.name, link.user]).toEqual(["dev.example.dk", "root"]);
    expect((await link.look(["printf", "%s", "a b"])).stdout).toBe("a b");
    await link.close();
  });

  test("ACC-2: the password of a first contact is the environment's, and is asked for where it is missing", async () => {
    await server.stop();
    server = await sshServer({ methods: ["password"] });
    const initial = JSON.stringify({ user: "root", password: true });
    const connected = () => connect({ user: "anna", privateKey: loginPair.private, initial });
    await expect(connected()).rejects.toThrow(
      "Set ONPREM_INITIAL_PASSWORD to the password of root, for this run alone",
    );
    vi.stubEnv("ONPREM_INITIAL_PASSWORD", "correct horse\n");
    const link = await connected();
    expect(server.attempts).toEqual([{ user: "root", method: "password", password: "correct horse" }]);
    await link.close();
    vi.unstubAllEnvs();
  });

  test("$SSH_AUTH_SOCK stands for the agent of who runs the update", async () => {
    vi.stubEnv("SSH_AUTH_SOCK", "/nowhere/agent");
    await expect(connect({ agent: "$SSH_AUTH_SOCK" })).rejects.toThrow("/nowhere/agent");
    vi.unstubAllEnvs();
  });
});
