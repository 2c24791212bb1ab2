import { createRequire } from "node:module";
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { listen } from "../../../infra/provider/adapter.ts";
import { Failure } from "../../../infra/provider/failure.ts";
import { Incomplete, type Plugin } from "../../../infra/provider/plugin.ts";
import { type Bag, UNKNOWN } from "../../../infra/provider/values.ts";

const require = createRequire(import.meta.url);
const messages = require("@pulumi/pulumi/proto/provider_pb.js");
const { ResourceProviderClient } = require("@pulumi/pulumi/proto/provider_grpc_pb.js");
const { EngineService } = require("@pulumi/pulumi/proto/engine_grpc_pb.js");
const { Status } = require("@pulumi/pulumi/proto/status_pb.js");
const { Empty } = require("google-protobuf/google/protobuf/empty_pb.js");
const { Struct } = require("google-protobuf/google/protobuf/struct_pb.js");

type Message = { toObject(): Record<string, unknown> } & Record<string, (...words: unknown[]) => unknown>;

const urn = "urn:pulumi:dev::proj::my:component:Server$onprem:test:Note::a::b";
const sign = "4dabf18193072939515e22adb298388d";
const secret = (value: unknown) => ({ [sign]: "1b47061264138c4ac30d75fd1eb44270", value });
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const bag = (values: Record<string, unknown>, ...secrets: string[]): Bag => ({
  values,
  secrets: secrets.map((key) => [key]),
});

/** What the plugin was asked, and what it answers. */
let asked: Record<string, unknown[]>;
let answers: Partial<Plugin>;
let said: Record<string, unknown>[];
let client: grpc.Client & Record<string, (message: unknown, done: (error: unknown, answer: Message) => void) => void>;
let close: () => void;

beforeEach(async () => {
  asked = {};
  answers = {};
  said = [];
  const engine = new grpc.Server();
  engine.addService(EngineService, {
    log: (call: { request: Message }, done: (error: null, empty: unknown) => void) => {
      said.push(call.request.toObject());
      done(null, new Empty());
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    engine.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  );
  const plugin = new Proxy({ name: "test", version: "1.2.3" } as unknown as Plugin, {
    get: (known, method: keyof Plugin) =>
      known[method] ??
      ((...words: unknown[]) => {
        asked[method] = words;
        return (answers[method] as ((...words: unknown[]) => unknown) | undefined)?.(...words);
      }),
  });
  const served = await listen(plugin, `127.0.0.1:${port}`);
  client = new ResourceProviderClient(`127.0.0.1:${served.port}`, grpc.credentials.createInsecure());
  close = () => {
    client.close();
    served.stop();
    engine.forceShutdown();
  };
});
afterEach(() => close());

function filled(message: Message, fields: Record<string, unknown>): Message {
  for (const [field, value] of Object.entries(fields)) {
    const plain = typeof value === "object" && value !== null && !Array.isArray(value);
    message[`set${field}`]?.(plain ? Struct.fromJavaScript(value) : value);
  }
  return message;
}

function call(method: string, request: string | undefined, fields: Record<string, unknown> = {}): Promise<Message> {
  const message = request === undefined ? new Empty() : filled(new messages[request](), fields);
  return new Promise((resolve, reject) =>
    client[method]?.(message, (error, answer) => (error === null ? resolve(answer) : reject(error))),
  );
}

function struct(message: Message, field: string): object {
  const get = message[`get${field}`] as () => { toJavaScript(): object };
  return get.call(message).toJavaScript();
}

describe("the plugin itself", () => {
  test("says its version and schema", async () => {
    answers.schema = () => '{"name":"test"}';
    expect((await call("getPluginInfo", undefined)).toObject()).toEqual({ version: "1.2.3" });
    expect((await call("getSchema", "GetSchemaRequest")).toObject()).toEqual({ schema: '{"name":"test"}' });
  });

  test("is configured with its secrets unwrapped, and takes secrets and previews", async () => {
    const answer = await call("configure", "ConfigureRequest", { Args: { host: "x", privateKey: secret("k") } });
    expect(asked.configure?.[0]).toEqual(bag({ host: "x", privateKey: "k" }, "privateKey"));
    expect(answer.toObject()).toMatchObject({ acceptsecrets: true, supportspreview: true, acceptresources: false });
  });

  test("checks its configuration", async () => {
    answers.checkConfig = (given) => ({ inputs: given, problems: [{ property: "host", reason: "is required" }] });
    const answer = await call("checkConfig", "CheckRequest", { News: { port: unknown, key: secret("k") } });
    expect(asked.checkConfig).toEqual([bag({ port: UNKNOWN, key: "k" }, "key")]);
    expect(struct(answer, "Inputs")).toEqual({ port: unknown, key: secret("k") });
    expect(answer.toObject().failuresList).toEqual([{ property: "host", reason: "is required" }]);
  });

  test.each([
    ["the same", { jump: { host: "j", user: "u" } }, { jump: { user: "u", host: "j" } }, 1, []],
    ["another value", { host: "x", port: 22 }, { host: "y", port: 22 }, 2, ["host"]],
    ["one that is not known yet", {}, { host: unknown }, 2, ["host"]],
  ])("is never replaced when its configuration is %s", async (_, OldInputs, News, changes, diffsList) => {
    const answer = await call("diffConfig", "DiffRequest", { OldInputs, News });
    expect(answer.toObject()).toMatchObject({ changes, diffsList, replacesList: [], deletebeforereplace: false });
  });

  test("is cancelled", async () => {
    await call("cancel", undefined);
    expect(asked.cancel).toEqual([]);
  });

  test("says that it has no such function", async () => {
    answers.missing = (token) => new Failure({ what: `no ${token}`, why: "there is none" });
    await expect(call("invoke", "InvokeRequest", { Tok: "test:index:run" })).rejects.toMatchObject({
      details: "no test:index:run\n  there is none",
    });
  });
});

describe("a resource", () => {
  test("is checked", async () => {
    answers.check = (_type, { values }) => ({
      inputs: bag({ ...values, mode: "0644" }, "text"),
      problems: [{ property: 'files["/a"].mode', reason: "is odd" }],
    });
    const answer = await call("check", "CheckRequest", { Urn: urn, News: { text: secret("x"), path: unknown } });
    expect(asked.check).toEqual(["onprem:test:Note", bag({ text: "x", path: UNKNOWN }, "text")]);
    expect(struct(answer, "Inputs")).toEqual({ text: secret("x"), path: unknown, mode: "0644" });
    expect(answer.toObject().failuresList).toEqual([{ property: 'files["/a"].mode', reason: "is odd" }]);
  });

  test("is compared in detail", async () => {
    answers.diff = () => ({
      differences: [
        { path: ["path"], change: "update" },
        { path: ["files", "/a b", "mode"], change: "add" },
        { path: ["keys", 0], change: "delete" },
        { path: ["keys", 1], change: "update" },
      ],
      replaces: ["path"],
    });
    const fields = { Id: "a", Urn: urn, Olds: { o: 1 }, OldInputs: { i: 1 }, News: { i: 2 } };
    const answer = await call("diff", "DiffRequest", fields);
    expect(asked.diff).toEqual([
      "onprem:test:Note",
      {
        urn,
        name: "a::b",
        say: expect.any(Function),
        timeout: 0,
        id: "a",
        outputs: bag({ o: 1 }),
        oldInputs: bag({ i: 1 }),
        inputs: bag({ i: 2 }),
      },
    ]);
    const { ADD, DELETE, UPDATE, UPDATE_REPLACE } = messages.PropertyDiff.Kind;
    expect(answer.toObject()).toMatchObject({
      changes: messages.DiffResponse.DiffChanges.DIFF_SOME,
      diffsList: ["path", "files", "keys"],
      replacesList: ["path"],
      deletebeforereplace: true,
      hasdetaileddiff: true,
      detaileddiffMap: [
        ['files["/a b"].mode', { kind: ADD, inputdiff: true }],
        ["keys[0]", { kind: DELETE, inputdiff: true }],
        ["keys[1]", { kind: UPDATE, inputdiff: true }],
        ["path", { kind: UPDATE_REPLACE, inputdiff: true }],
      ],
    });
  });

  test.each([
    [undefined, true],
    [false, true],
    [true, false],
  ])("that is replaced, created first: %s", async (createFirst, deletebeforereplace) => {
    answers.diff = () => ({ differences: [], replaces: [], ...(createFirst === undefined ? {} : { createFirst }) });
    const answer = await call("diff", "DiffRequest", { Urn: urn });
    const changes = messages.DiffResponse.DiffChanges.DIFF_NONE;
    expect(answer.toObject()).toMatchObject({ changes, deletebeforereplace });
  });

  test("is created", async () => {
    answers.create = async () => ({ id: "a", outputs: bag({ text: "x", length: 1, gone: undefined }, "text") });
    const fields = { Urn: urn, Properties: { text: secret("x") }, Preview: true, Timeout: 7 };
    const answer = await call("create", "CreateRequest", fields);
    expect(asked.create).toEqual([
      "onprem:test:Note",
      { urn, name: "a::b", say: expect.any(Function), timeout: 7, inputs: bag({ text: "x" }, "text"), preview: true },
    ]);
    expect(answer.toObject()).toMatchObject({ id: "a" });
    expect(struct(answer, "Properties")).toEqual({ text: secret("x"), length: 1 });
  });

  test("is read", async () => {
    answers.read = async () => ({ id: "a", inputs: bag({ text: "x" }, "text"), outputs: bag({ length: 1 }, "length") });
    const fields = { Urn: urn, Id: "a", Inputs: { text: secret("x") }, Properties: { length: 2 } };
    const answer = await call("read", "ReadRequest", fields);
    expect(asked.read?.[1]).toMatchObject({ id: "a", inputs: bag({ text: "x" }, "text"), outputs: bag({ length: 2 }) });
    expect(answer.toObject()).toMatchObject({ id: "a" });
    expect(struct(answer, "Inputs")).toEqual({ text: secret("x") });
    expect(struct(answer, "Properties")).toEqual({ length: secret(1) });
  });

  test("that is gone has no id", async () => {
    expect((await call("read", "ReadRequest", { Urn: urn, Id: "a" })).toObject()).toMatchObject({ id: "" });
  });

  test("is updated", async () => {
    answers.update = async () => ({ outputs: bag({ text: "y" }) });
    const fields = {
      Urn: urn,
      Id: "a",
      Olds: { o: 1 },
      OldInputs: { i: 1 },
      News: { i: 2 },
      Timeout: 9,
      Preview: true,
    };
    const answer = await call("update", "UpdateRequest", fields);
    expect(asked.update).toEqual([
      "onprem:test:Note",
      {
        urn,
        name: "a::b",
        say: expect.any(Function),
        timeout: 9,
        id: "a",
        outputs: bag({ o: 1 }),
        oldInputs: bag({ i: 1 }),
        inputs: bag({ i: 2 }),
        preview: true,
      },
    ]);
    expect(struct(answer, "Properties")).toEqual({ text: "y" });
  });

  test("is deleted", async () => {
    await call("delete", "DeleteRequest", { Urn: urn, Id: "a", OldInputs: { i: 1 }, Properties: { o: 1 }, Timeout: 3 });
    expect(asked.remove).toEqual([
      "onprem:test:Note",
      {
        urn,
        name: "a::b",
        say: expect.any(Function),
        timeout: 3,
        id: "a",
        inputs: bag({ i: 1 }),
        outputs: bag({ o: 1 }),
      },
    ]);
  });
});

describe("a failure", () => {
  test.each([
    ["of three lines", new Failure({ what: "could not æ", why: "disk\nfull", remedy: "Make room." })],
    ["of many words", new Failure({ what: "could not", why: "x".repeat(3000) })],
    ["of another kind", new TypeError("no such thing")],
  ])("%s reads as it was written", async (_, error) => {
    answers.create = async () => {
      throw error;
    };
    await expect(call("create", "CreateRequest", { Urn: urn })).rejects.toMatchObject({
      code: grpc.status.UNKNOWN,
      details: error.message,
    });
  });

  test("that left something behind brings its state, secrets marked", async () => {
    const made = {
      id: "a",
      inputs: bag({ text: "x" }, "text"),
      outputs: bag({ text: "x", length: 1 }, "text", "length"),
    };
    answers.update = async () => {
      throw new Incomplete("could not write a", made, { cause: undefined });
    };
    const error = (await call("update", "UpdateRequest", { Urn: urn }).then(
      () => expect.unreachable(),
      (error: unknown) => error,
    )) as grpc.ServiceError;
    expect(error.details).toBe("could not write a");
    const status = Status.deserializeBinary(error.metadata.get("grpc-status-details-bin")[0]);
    const detail = status.getDetailsList()[0];
    expect(detail.getTypeName()).toBe("pulumirpc.ErrorResourceInitFailed");
    const partial = messages.ErrorResourceInitFailed.deserializeBinary(detail.getValue_asU8());
    expect([partial.getId(), partial.getReasonsList()]).toEqual(["a", ["could not write a"]]);
    expect(struct(partial, "Inputs")).toEqual({ text: secret("x") });
    expect(struct(partial, "Properties")).toEqual({ text: secret("x"), length: secret(1) });
  });
});

test("what a plugin says reaches the engine under the resource's name", async () => {
  answers.create = async (_type, { say }) => {
    say("warning", "that is odd");
    say("info", "going on");
    return { id: "a", outputs: bag({}) };
  };
  await call("create", "CreateRequest", { Urn: urn });
  await expect.poll(() => said.length).toBe(2);
  const { INFO, WARNING } = require("@pulumi/pulumi/proto/engine_pb.js").LogSeverity;
  expect(said).toMatchObject([
    { severity: WARNING, message: "that is odd", urn },
    { severity: INFO, message: "going on", urn },
  ]);
});
