import { describe, expect, test } from "vitest";
import { CommandStandIn } from "../../../../infra/plugins/command/stand-in.ts";
import { differences } from "../../../../infra/provider/difference.ts";
import { LocalFile } from "../../../../infra/provider/step.ts";
import { type Bag, emptyBag, OtherAsset, UNKNOWN } from "../../../../infra/provider/values.ts";

const type = "command:local:Command";
const standIn = new CommandStandIn();
const bag = (values: Record<string, unknown>): Bag => ({ values, secrets: [] });
const call = { urn: "urn:pulumi:dev::test::command::mine", name: "mine", say: () => undefined, timeout: 0 };

test("there is nothing to configure", async () => {
  expect(standIn.checkConfig(bag({ version: "1.2.1" })).problems).toEqual([]);
  expect(standIn.checkConfig(bag({ colour: "red" })).problems).toEqual([
    { property: "colour", reason: "unknown property; @pulumi/command has no configuration" },
  ]);
});

describe("diff: a changed input is an update, a changed trigger a replacement", () => {
  const archive = (path: string | undefined, hash: string) => new OtherAsset("archive", { path, hash });
  test.each<[string, object, object, boolean]>([
    ["nothing", { create: "a", triggers: [1] }, { create: "a", triggers: [1] }, false],
    ["create", { create: "a" }, { create: "b" }, false],
    ["update", { create: "a" }, { create: "a", update: "b" }, false],
    ["stdin", { stdin: "a" }, { stdin: "b" }, false],
    ["environment", { environment: { A: "1" } }, { environment: { A: "2" } }, false],
    ["connection", { connection: { host: "a" } }, { connection: { host: "b" } }, false],
    ["a trigger", { triggers: [1, 2] }, { triggers: [1, 3] }, true],
    ["a trigger deep inside", { triggers: [{ a: [1] }] }, { triggers: [{ a: [2] }] }, true],
    ["the first trigger", {}, { triggers: [1] }, true],
    ["a trigger less", { triggers: [1, 2] }, { triggers: [1] }, true],
    ["a trigger that is not known yet", { triggers: [1] }, { triggers: [UNKNOWN] }, true],
    ["a file of other content", { triggers: [new LocalFile("", "1")] }, { triggers: [new LocalFile("x", "2")] }, true],
    ["the same file", { triggers: [new LocalFile("", "1")] }, { triggers: [new LocalFile("x", "1")] }, false],
    ["the same archive", { triggers: [archive(undefined, "1")] }, { triggers: [archive("x", "1")] }, false],
    ["an archive of other content", { triggers: [archive(undefined, "1")] }, { triggers: [archive("x", "2")] }, true],
  ])("%s", (_, before, after, replaces) => {
    const change = {
      ...call,
      say: () => undefined,
      id: "a",
      outputs: emptyBag,
      oldInputs: bag({ ...before }),
      inputs: bag({ ...after }),
    };
    expect(standIn.diff(type, change)).toEqual({
      differences: differences(before, after),
      replaces: replaces ? ["triggers"] : [],
      createFirst: true,
    });
  });
});

describe("a preview runs nothing and knows no output", () => {
  const inputs = bag({ create: "touch /nowhere/x" });
  const outputs = bag({ create: "touch /nowhere/x", stdout: UNKNOWN, stderr: UNKNOWN });

  test("of a creation", async () => {
    expect(await standIn.create(type, { ...call, inputs, preview: true })).toEqual({ id: "", outputs });
  });

  test("of an update", async () => {
    const update = { ...call, id: "a", oldInputs: bag({}), outputs: bag({ stdout: "x" }), inputs, preview: true };
    expect(await standIn.update(type, update)).toEqual({ outputs });
  });
});

describe("read", () => {
  test("leaves the state as it is", async () => {
    const [inputs, outputs] = [bag({ create: "a" }), bag({ create: "a", stdout: "b" })];
    expect(await standIn.read(type, { ...call, id: "a", inputs, outputs })).toEqual({ id: "a", inputs, outputs });
  });

  test("imports nothing", async () => {
    await expect(standIn.read(type, { ...call, id: "a", inputs: emptyBag, outputs: emptyBag })).rejects.toThrow(
      'command:local:Command "mine" cannot be imported\n',
    );
  });
});

test("ids are never the same, for a replacement is made first", async () => {
  const make = () => standIn.create(type, { ...call, inputs: bag({}), preview: false });
  const ids = await Promise.all(Array.from({ length: 20 }, make));
  expect(new Set(ids.map(({ id }) => id)).size).toBe(20);
});
