import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CommandStandIn } from "../../../../infra/plugins/command/stand-in.ts";
import { LocalFile } from "../../../../infra/provider/step.ts";
import { OtherAsset } from "../../../../infra/provider/values.ts";
import { ed25519Pair } from "../../../ed25519.ts";
import { hostPair, loginPair, sshServer, type TestServer } from "../../provider/host/ssh-server.ts";
import { Life } from "./life.ts";

// Over our own SSH to a server in this process, whose account is that of the test, whatever name logs in.

let server: TestServer;
let standIn: CommandStandIn;
let folder: string;

beforeEach(async () => {
  server = await sshServer();
  standIn = new CommandStandIn();
  folder = await realpath(await mkdtemp(join(tmpdir(), "onprem-remote-")));
});
afterEach(async () => {
  standIn.cancel();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const connection = () => ({
  host: "127.0.0.1",
  port: server.port,
  user: "deploy",
  hostKey: hostPair.public,
  privateKey: loginPair.private,
  dialErrorLimit: 0,
  perDialTimeout: 5,
});

describe("a remote command", () => {
  let life: Life;
  beforeEach(() => {
    life = new Life(standIn, "command:remote:Command");
  });
  const make = (given: object, ...secrets: (string | number)[][]) =>
    life.create({ connection: connection(), ...given }, ["connection"], ...secrets);

  test("create, update and delete, each with what the last one wrote", async () => {
    const given = {
      connection: connection(),
      create: "echo created; echo warned >&2",
      update: 'echo "updated after $PULUMI_COMMAND_STDOUT, $PULUMI_COMMAND_STDERR"',
      delete: `echo "deleted after $PULUMI_COMMAND_STDOUT" > ${folder}/deleted`,
    };
    expect(await make(given)).toEqual({ ...given, stdout: "created", stderr: "warned" });
    expect(life.outputs.secrets).toEqual([["connection"]]);
    expect(life.said).toEqual(["created", "warned"]);
    expect(await life.update({ ...given, stdin: "x" })).toMatchObject({ stdout: "updated after created, warned" });
    await life.remove();
    expect(await readFile(`${folder}/deleted`, "utf8")).toBe("deleted after updated after created, warned\n");
    expect(server.connections).toBe(1);
  });

  test("is run by the account that logs in, without sudo, in its home", async () => {
    const { stdout } = await make({ create: 'pwd; echo "$HOME $USER $LOGNAME"' });
    expect(stdout).toBe(`${homedir()}\n${homedir()} deploy deploy`);
  });

  test.each([
    ["standard input", { create: "cat", stdin: "one\ntwo" }, "one\ntwo"],
    ["variables that need no AcceptEnv", { create: 'echo "$A"', environment: { A: "$(x) '\n\" æ" } }, "$(x) '\n\" æ"],
    ["quotes and lines", { create: `a='$(x) "'\nprintf '%s\\n' "$a" # end` }, '$(x) "'],
    ["nothing of its own text", { create: "printenv PULUMI_COMMAND_TEXT || echo none" }, "none"],
  ])("gets %s", async (_, given, stdout) => {
    expect(await make(given)).toMatchObject({ stdout });
  });

  test("many run side by side over one connection", async () => {
    const waiting = make({ create: `while [ ! -e ${folder}/go ]; do sleep 0.05; done; echo went` });
    await new Life(standIn, "command:remote:Command").create({
      connection: connection(),
      create: `touch ${folder}/go`,
    });
    expect(await waiting).toMatchObject({ stdout: "went" });
    expect(server.connections).toBe(1);
  });

  test("neither its text nor its environment is in an argument", async () => {
    const { stdout } = await make({ create: "tr '\\0' ' ' < /proc/$$/cmdline # s3cret", environment: { A: "0ther" } }, [
      "environment",
      "A",
    ]);
    expect(stdout).toMatch(/^\/bin\/sh -c /);
    expect(stdout).not.toMatch(/s3cret|0ther/);
  });

  test("that fails says where, how, and what it wrote", async () => {
    await expect(make({ create: "echo out; echo err >&2; exit 3" })).rejects.toThrow(
      'command:remote:Command "mine": the create command failed on 127.0.0.1\n  exit 3:\n  out\n  err',
    );
  });

  test("that fails shows no secret", async () => {
    const failing = make({ create: 'echo "$A" >&2; exit 1', environment: { A: "s3cret" } }, ["environment", "A"]);
    await expect(failing).rejects.toThrow(/exit 1:\n {2}\[its output may hold a secret\]$/);
  });

  test("ends at the program's own time limit", async () => {
    life.timeout = 1;
    await expect(make({ create: "sleep 9" })).rejects.toThrow(
      /mine": could not run the create command on 127\.0\.0\.1\n/,
    );
  });

  test("ends when the run is cancelled, on the host too", async () => {
    const running = make({ create: `touch ${folder}/begun; sleep 2; touch ${folder}/late` });
    const ended = expect(running).rejects.toThrow("the run was cancelled");
    await expect.poll(() => readdir(folder)).toEqual(["begun"]);
    standIn.cancel();
    await ended;
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(await readdir(folder)).toEqual(["begun"]);
  });

  test("is not run again when the connection breaks", async () => {
    const running = make({ create: `echo x >> ${folder}/runs; sleep 2` });
    const ended = expect(running).rejects.toThrow(/the connection was lost: .*may or may not have run/);
    await expect.poll(() => readdir(folder)).toEqual(["runs"]);
    server.cut();
    await ended;
    expect(await readFile(`${folder}/runs`, "utf8")).toBe("x\n");
  });

  test("meets no server but the one whose key is given", async () => {
    const hostKey = ed25519Pair().public;
    await expect(make({ connection: { ...connection(), hostKey }, create: `touch ${folder}/run` })).rejects.toThrow(
      /^command:remote:Command "mine": the host key of 127\.0\.0\.1 is not the one that was recorded\n/,
    );
    expect(await readdir(folder)).toEqual([]);
    expect(server.logins).toBe(0);
  });
});

describe("a copy", () => {
  let life: Life;
  let source: LocalFile;
  beforeEach(async () => {
    life = new Life(standIn, "command:remote:CopyToRemote");
    await mkdir(`${folder}/there`);
    source = await local("motd", "hej\n");
  });

  async function local(name: string, text: string): Promise<LocalFile> {
    const path = join(folder, name);
    await writeFile(path, text);
    return new LocalFile(path, createHash("sha256").update(text).digest("hex"));
  }
  const make = (more: object) =>
    life.create({ connection: connection(), source, remotePath: `${folder}/there/x`, ...more }, ["connection"]);
  const read = (path: string) => readFile(`${folder}/there/${path}`, "utf8");
  const mode = async (path: string) => ((await stat(`${folder}/there/${path}`)).mode & 0o7777).toString(8);

  test("of a file, then of another, then of the same", async () => {
    const outputs = await make({});
    expect(outputs).toEqual({ connection: connection(), source, remotePath: `${folder}/there/x` });
    expect(life.id).toMatch(/^[0-9a-f]{8}$/);
    expect([await read("x"), await mode("x")]).toEqual(["hej\n", "644"]);
    await life.update({ ...outputs, source: await local("motd", "dav\n") }, ["connection"]);
    expect(await read("x")).toBe("dav\n");
    await writeFile(`${folder}/there/x`, "by hand");
    await life.update({ ...life.outputs.values, connection: { ...connection(), perDialTimeout: 6 } }, ["connection"]);
    expect(await read("x")).toBe("by hand");
    await life.remove();
    expect(await read("x")).toBe("by hand");
  });

  test.each([
    ["a text", new OtherAsset("text", { text: "a\nb" }), "a\nb"],
    ["an empty text, of which only the hash arrives", new LocalFile("", createHash("sha256").digest("hex")), ""],
  ])("of %s", async (_, source, text) => {
    await make({ source });
    expect(await read("x")).toBe(text);
  });

  test("makes the directories above", async () => {
    await make({ remotePath: `${folder}/there/a b/'c'/$(d)/-x` });
    expect(await read("a b/'c'/$(d)/-x")).toBe("hej\n");
  });

  test.each(["", "/"])("into a directory%s, under its own name", async (slash) => {
    await make({ remotePath: `${folder}/there${slash}` });
    expect(await readdir(`${folder}/there`)).toEqual(["motd"]);
  });

  test("of a text into a directory has no name there", async () => {
    const failing = make({ remotePath: `${folder}/there`, source: new OtherAsset("text", { text: "a" }) });
    await expect(failing).rejects.toThrow(
      /^command:remote:CopyToRemote "mine": could not copy to .*there on 127\.0\.0\.1\n.*\n.*is a directory/,
    );
  });

  test("keeps the mode of what stands there, and goes through a link", async () => {
    await writeFile(`${folder}/there/file`, "old", { mode: 0o600 });
    await symlink("file", `${folder}/there/link`);
    await make({ remotePath: `${folder}/there/link` });
    expect([await read("file"), await mode("file")]).toEqual(["hej\n", "600"]);
    expect((await readdir(`${folder}/there`)).sort()).toEqual(["file", "link"]);
  });

  test("of a file that changed since it was hashed is not taken", async () => {
    await writeFile(source.path, "changed");
    await expect(make({})).rejects.toThrow("was changed while the update ran");
    expect(await readdir(`${folder}/there`)).toEqual([]);
  });
});
