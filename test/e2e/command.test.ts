import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ed25519Pair } from "../ed25519.ts";
import { machine, stackOn, within } from "./on-lab.ts";
import { watchCommandLines, withoutEnginesDump } from "./places-of-secrets.ts";
import type { Declared } from "./project/index.ts";
import type { Stack } from "./stack.ts";

// The stand-in for the plugin of @pulumi/command, called by the real engine through the SDK's own classes.

const server = machine("dev");
const secrets = { key: readFileSync(server.login.privateKeyFile, "utf8"), token: "t0ken-5f2c9" };
const connection = {
  host: server.addresses.v4,
  user: "deploy",
  hostKey: server.hostKey,
  privateKey: { $secret: "key" },
  dialErrorLimit: 1,
  perDialTimeout: 5,
};

let stack: Stack;
beforeEach(async () => {
  stack = await stackOn(server, { secrets });
  await within(server, "install -d -o deploy /srv/onprem-actions");
});
afterEach(async () => {
  expect((await stack.destroy()).errors).toEqual([]);
  await stack[Symbol.asyncDispose]();
  await within(server, "rm -rf /srv/onprem-actions");
});

const log = () => within(server, "cat /srv/onprem-actions/log 2>/dev/null || true");
const command = (args: Record<string, unknown>, more: Partial<Declared> = {}): Declared => ({
  name: "action",
  type: "command:remote:Command",
  args: { connection, ...args },
  ...more,
});

/** The outputs of the resource `action` as the state has them; secrets stay closed. */
async function state(): Promise<Record<string, unknown>> {
  const { deployment } = JSON.parse(await stack.export()) as {
    deployment: { resources: { urn: string; outputs: Record<string, unknown> }[] };
  };
  return deployment.resources.find(({ urn }) => urn.endsWith("::action"))?.outputs ?? {};
}

describe("a remote command", () => {
  const lines = {
    create: 'echo "create $(id -un) $PWD" | tee -a /srv/onprem-actions/log',
    delete: 'echo "delete after <$PULUMI_COMMAND_STDOUT>" >> /srv/onprem-actions/log',
  };

  test("goes through its life: create, unchanged, update, trigger, delete", async () => {
    expect((await stack.preview([command(lines)])).changes).toEqual({ action: "create" });
    expect(await log()).toBe("");

    const created = await stack.up([command({ ...lines, triggers: [1] })]);
    expect([created.errors, created.changes]).toEqual([[], { action: "create" }]);
    expect(await state()).toMatchObject({ ...lines, stdout: "create deploy /home/deploy", stderr: "" });
    expect(created.output).toContain("create deploy /home/deploy");

    expect((await stack.up([command({ ...lines, triggers: [1] })])).changes).toEqual({});

    const update = 'echo "update after <$PULUMI_COMMAND_STDOUT>" | tee -a /srv/onprem-actions/log';
    const updated = await stack.up([command({ ...lines, update, triggers: [1] })]);
    expect([updated.changes, updated.diffs]).toEqual([{ action: "update" }, { action: ["update"] }]);
    expect(await state()).toMatchObject({ stdout: "update after <create deploy /home/deploy>" });

    const replaced = await stack.up([command({ ...lines, update, triggers: [2] })]);
    expect(replaced.errors).toEqual([]);
    expect(replaced.changes.action).toMatch(/replace/);

    expect((await stack.up([])).changes).toEqual({ action: "delete" });
    expect((await log()).split("\n")).toEqual([
      "create deploy /home/deploy",
      "update after <create deploy /home/deploy>",
      "create deploy /home/deploy",
      "delete after <update after <create deploy /home/deploy>>",
      "delete after <create deploy /home/deploy>",
    ]);
  });

  test("that fails is tried again by the next run", async () => {
    const create = "echo tried >> /srv/onprem-actions/log; ls /srv/onprem-actions/ready";
    const failed = await stack.up([command({ create })]);
    expect(failed.code).not.toBe(0);
    expect(failed.errors).toEqual([
      expect.stringMatching(/^command:remote:Command "action": the create command failed on \S+\n {2}exit 2:\n.*ready/),
    ]);
    await within(server, "touch /srv/onprem-actions/ready");
    expect((await stack.up([command({ create })])).changes).toEqual({ action: "create" });
    expect(await log()).toBe("tried\ntried");
  });

  test("its secret environment is in no state, output, argument or journal", async () => {
    const args = {
      create: 'sleep 1; printf %s "$TOKEN" | sha256sum; echo "$TOKEN" >&2',
      environment: { TOKEN: { $secret: "token" } },
    };
    const watch = watchCommandLines();
    const run = await stack.up([command(args)], "--logtostderr", "--logflow", "-v=11");
    const seen = await watch.stop();
    expect(run.errors).toEqual([]);
    const places = {
      run: withoutEnginesDump(run.output),
      state: await stack.export(),
      arguments: seen,
      journal: await within(server, "journalctl -q -o json --all --no-pager"),
    };
    for (const secret of [secrets.token, secrets.key.split("\n")[2] ?? ""]) {
      expect(
        Object.entries(places)
          .filter(([, text]) => text.includes(secret))
          .map(([place]) => place),
      ).toEqual([]);
    }
    // The watch saw the command itself.
    expect(seen).toContain("sleep\u00001");
    expect((await state()).stdout).toMatch(/^[0-9a-f]{64} {2}-$/);
  });

  test("an output that the program calls secret is so in the state", async () => {
    await stack.up([command({ create: "echo plain", logging: "none" }, { secretOutputs: ["stdout"] })]);
    expect(await stack.export()).not.toContain('"plain"');
    expect(await state()).toMatchObject({ stderr: "" });
  });
});

describe("one clear error each, and nothing done", () => {
  const create = "touch /srv/onprem-actions/done";
  const { hostKey: _, ...trusting } = connection;
  test.each([
    [
      "another host key",
      { connection: { ...connection, hostKey: ed25519Pair().public } },
      /^command:remote:Command "action": the host key of \S+ is not the one that was recorded\n/,
    ],
    [
      "no host key",
      { connection: trusting },
      /property connection.hostKey[\s\S]*is required: the official plugin trusts/,
    ],
    [
      "a password",
      { connection: { ...connection, password: { $secret: "token" } } },
      /property connection.password[\s\S]*the official plugin of @pulumi\/command has this/,
    ],
  ])("%s", async (_, args, error) => {
    const run = await stack.up([command({ create, ...args })]);
    expect(run.code).not.toBe(0);
    expect(run.errors).toEqual([expect.stringMatching(error)]);
    expect(await within(server, "ls /srv/onprem-actions")).toBe("");
  });
});

test("a copy, and a command that it triggers", async () => {
  const folder = await mkdtemp(join(tmpdir(), "onprem-copy-"));
  try {
    const file = join(folder, "hello.sh");
    const program = (): Declared[] => [
      {
        name: "copy",
        type: "command:remote:CopyToRemote",
        args: { connection, source: { $file: file }, remotePath: "/srv/onprem-actions/bin/hello" },
      },
      command({ create: "sh /srv/onprem-actions/bin/hello", triggers: [{ $file: file }] }, { after: ["copy"] }),
    ];
    await writeFile(file, "echo hej\n");
    expect((await stack.up(program())).changes).toEqual({ copy: "create", action: "create" });
    expect(await state()).toMatchObject({ stdout: "hej" });
    expect((await stack.up(program())).changes).toEqual({});
    await writeFile(file, "echo dav\n");
    const changed = await stack.up(program());
    expect([changed.errors, changed.changes.copy]).toEqual([[], "update"]);
    expect(await state()).toMatchObject({ stdout: "dav" });
    expect((await stack.up(program())).changes).toEqual({});
    expect(await within(server, "stat -c '%U %a' /srv/onprem-actions/bin/hello")).toBe("deploy 644");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("a local command", async () => {
  const folder = await mkdtemp(join(tmpdir(), "onprem-local-"));
  try {
    const local = command({}, { type: "command:local:Command" });
    const args = { create: "pwd; cat", stdin: "in", dir: folder, delete: "touch gone" };
    expect((await stack.up([{ ...local, args }])).changes).toEqual({ action: "create" });
    expect(await state()).toMatchObject({ stdout: `${folder}\nin` });
    expect((await stack.up([{ ...local, args }])).changes).toEqual({});
    await stack.up([]);
    expect(await readdir(folder)).toEqual(["gone"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
