import { readFileSync } from "node:fs";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { CommandStandIn } from "../../../../infra/plugins/command/stand-in.ts";
import { actionsVersion } from "../../../../infra/plugins/in-use.ts";
import { LocalFile } from "../../../../infra/provider/step.ts";
import { OtherAsset } from "../../../../infra/provider/values.ts";

// Every input that the declarations of @pulumi/command name is taken or refused by name: none is ignored.

const folder = new URL("../../../../node_modules/@pulumi/command/", import.meta.url);

/** Names of the members of an interface of the package. */
function members(file: string, name: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(new URL(file, folder), "utf8"), ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isInterfaceDeclaration(node) && node.name.text === name) {
      found.push(...node.members.map((member) => member.name?.getText(source) ?? ""));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found.sort();
}

const hostKey = "ssh-ed25519 AAAA";
const connection = { host: "h", hostKey };
const standIn = new CommandStandIn();

/** A value for each input; those of `refused` are the official plugin's alone. */
const command = {
  taken: {
    addPreviousOutputInEnv: false,
    create: "a",
    delete: "b",
    environment: { A: "b" },
    logging: "stderr",
    stdin: "c",
    triggers: [1, { a: ["b"] }, new LocalFile("x", "ab")],
    update: "d",
  },
  refused: {},
};
const login = {
  taken: {
    agentSocketPath: "/run/agent",
    dialErrorLimit: -1,
    host: "h",
    hostKey,
    perDialTimeout: 0,
    port: 2222,
    privateKey: "k",
    privateKeyPassword: "p",
    user: "deploy",
  },
  refused: { password: "s3cret" },
};
const defaults = { port: 22, user: "root", dialErrorLimit: 10, perDialTimeout: 15 };

const contract = [
  {
    interface: ["remote/command.d.ts", "CommandArgs"],
    type: "command:remote:Command",
    taken: { ...command.taken, connection: { ...connection, ...defaults } },
    refused: {},
    required: { connection },
  },
  {
    interface: ["remote/copyToRemote.d.ts", "CopyToRemoteArgs"],
    type: "command:remote:CopyToRemote",
    taken: {
      connection: { ...connection, ...defaults },
      remotePath: "/x",
      source: new LocalFile("x", "ab"),
      triggers: [1],
    },
    refused: {},
    required: { connection, remotePath: "/x", source: new LocalFile("x", "ab") },
  },
  {
    interface: ["local/command.d.ts", "CommandArgs"],
    type: "command:local:Command",
    taken: { ...command.taken, dir: "/tmp", interpreter: ["bash", "-c"] },
    refused: { archivePaths: ["*"], assetPaths: ["*"] },
    required: {},
  },
] as const;

const known = (values: object) => ({ values: { ...values }, secrets: [] });
const officialOnly = /the official plugin of @pulumi\/command has/;

test("the declarations are those of the version that the stand-in stands for", () => {
  expect(JSON.parse(readFileSync(new URL("package.json", folder), "utf8")).version).toBe(actionsVersion);
  expect([standIn.name, standIn.version]).toEqual(["command", actionsVersion]);
});

describe.each(contract)("$type", ({ interface: [file, name], type, taken, refused, required }) => {
  test("every declared input is in the table", () => {
    expect(members(file, name)).toEqual([...Object.keys(taken), ...Object.keys(refused)].sort());
  });

  test("takes what it has as it is given", () => {
    expect(standIn.check(type, known({ ...required, ...taken }))).toEqual({
      inputs: known({ ...required, ...taken }),
      problems: [],
    });
  });

  test("needs what the official plugin needs", () => {
    expect(standIn.check(type, known({})).problems).toEqual(
      Object.keys(required).map((property) => ({ property, reason: expect.stringMatching(/^is required/) })),
    );
  });

  test("refuses the rest by name", () => {
    expect(standIn.check(type, known({ ...required, ...refused })).problems).toEqual(
      Object.keys(refused)
        .sort()
        .reverse()
        .map((property) => ({ property, reason: expect.stringMatching(officialOnly) })),
    );
    expect(standIn.check(type, known({ ...required, colour: "red" })).problems).toEqual([
      { property: "colour", reason: expect.stringMatching(/^unknown property; allowed are /) },
    ]);
  });
});

describe.each([
  ["connection", "ConnectionArgs", ["proxy"], (inner: object) => inner],
  ["connection.proxy", "ProxyConnectionArgs", [], (inner: object) => ({ ...connection, proxy: inner })],
] as const)("%s", (path, name, more, within) => {
  const check = (inner: object) =>
    standIn.check("command:remote:Command", { values: { connection: within(inner) }, secrets: [["connection"]] });
  const inner = (inputs: { values: Readonly<Record<string, unknown>> }) =>
    path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], inputs.values);

  test("every declared input is in the table", () => {
    const table = [...Object.keys(login.taken), ...Object.keys(login.refused), ...more];
    expect(members("types/input.d.ts", name)).toEqual(table.sort());
  });

  test("takes what it has, and fills in the official defaults", () => {
    const { inputs, problems } = check(login.taken);
    expect([inner(inputs), problems]).toEqual([login.taken, []]);
    expect(inner(check({ host: "h", hostKey }).inputs)).toEqual({ host: "h", hostKey, ...defaults });
  });

  test("refuses the rest by name, and shows no password", () => {
    const { problems } = check({ host: "h", hostKey, ...login.refused, colour: "red" });
    expect(problems.map(({ property }) => property).sort()).toEqual([`${path}.colour`, `${path}.password`]);
    expect(problems.find(({ property }) => property === `${path}.password`)?.reason).toMatch(officialOnly);
    expect(JSON.stringify(problems)).not.toContain("s3cret");
  });

  test("trusts no host without a key", () => {
    expect(check({ host: "h" }).problems).toEqual([
      {
        property: `${path}.hostKey`,
        reason: expect.stringMatching(/^is required: the official plugin trusts any host/),
      },
    ]);
  });
});

describe("what is copied", () => {
  const problems = (source: unknown) =>
    standIn.check("command:remote:CopyToRemote", known({ connection, remotePath: "/x", source })).problems;
  test.each([
    ["a file", new LocalFile("x", "ab"), []],
    ["a text", new OtherAsset("text", { text: "x" }), []],
    ["an archive", new OtherAsset("archive", { path: "x" }), [officialOnly]],
    [
      "a remote file",
      new OtherAsset("remote file", { uri: "https://example.dk" }),
      [/must be a pulumi.asset.FileAsset/],
    ],
    ["a path", "x", [/must be a pulumi.asset.FileAsset/]],
  ])("%s", (_, source, reasons) => {
    expect(problems(source)).toEqual(
      reasons.map((reason) => ({ property: "source", reason: expect.stringMatching(reason) })),
    );
  });
});

/** Names that a module of the package exports as resources or functions, from its index. */
function exported(module: string): string[] {
  const text = readFileSync(new URL(`${module}/index.d.ts`, folder), "utf8");
  return [...text.matchAll(/^export declare const (\w+): typeof import/gm)].map(([, name]) => name ?? "").sort();
}

test("every resource and function of the package is there, or missed by name", () => {
  expect([exported("remote"), exported("local")]).toEqual([
    ["Command", "CopyFile", "CopyToRemote"],
    ["Command", "run", "runOutput"],
  ]);
  expect(Object.keys(JSON.parse(standIn.schema()).resources).sort()).toEqual(contract.map(({ type }) => type).sort());
  expect(() => standIn.check("command:remote:CopyFile", known({}))).toThrow(/has no command:remote:CopyFile\n/);
  expect(standIn.missing("command:local:run").message).toMatch(/has no command:local:run\n.*\n.*official plugin/);
});
