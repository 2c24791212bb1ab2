import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as messages from "../../../../infra/provider/protocol/messages.ts";
import { read, write } from "../../../../infra/provider/protocol/wire.ts";

/** The messages as the makers of Pulumi generated them, which are right by definition. */
interface Generated {
  serializeBinary(): Uint8Array;
  toObject(): Record<string, unknown>;
  getProperties(): { toJavaScript(): Record<string, unknown> } | undefined;
  [setter: `set${string}`]: (value: unknown) => void;
}
interface GeneratedClass {
  new (): Generated;
  deserializeBinary(bytes: Uint8Array): Generated;
}
const require = createRequire(import.meta.url);
const theirs = require("@pulumi/pulumi/proto/provider_pb.js") as Record<string, GeneratedClass>;
const { Status } = require("@pulumi/pulumi/proto/status_pb.js") as Record<string, GeneratedClass>;
const { Struct } = require("google-protobuf/google/protobuf/struct_pb.js");

function theirClass(name: string): GeneratedClass {
  const found = theirs[name];
  if (found === undefined) throw new Error(`@pulumi/pulumi has no ${name}`);
  return found;
}

const { values } = fc.letrec<{ value: unknown; values: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true }),
    fc.string({ unit: "grapheme" }),
    fc.array(tie("value"), { maxLength: 4 }),
    tie("values"),
  ),
  values: fc.dictionary(fc.string({ unit: "grapheme" }), tie("value"), { maxKeys: 6, noNullPrototype: true }),
}));
/** The generated code cannot read a property of this name. */
const shareable = values.filter((value) => !JSON.stringify(value).includes('"__proto__"'));

describe("any values", () => {
  test("that we write are what the SDK reads", () => {
    fc.assert(
      fc.property(shareable, fc.string({ unit: "grapheme" }), (properties, id) => {
        const bytes = write(messages.readResponse, { id, properties });
        const read = theirClass("ReadResponse").deserializeBinary(bytes);
        expect(read.toObject().id).toBe(id);
        expect(read.getProperties()?.toJavaScript()).toEqual(properties);
      }),
    );
  });

  test("that the SDK writes are what we read", () => {
    fc.assert(
      fc.property(shareable, fc.double({ noNaN: true }), fc.boolean(), (properties, timeout, preview) => {
        const request = new (theirClass("CreateRequest"))();
        request.setProperties?.(Struct.fromJavaScript(properties));
        request.setTimeout?.(timeout);
        request.setPreview?.(preview);
        // Fields that we know nothing of are passed over.
        request.setResourceStatusToken?.("x");
        const found = read(messages.createRequest, Buffer.from(request.serializeBinary()));
        expect(found.properties).toEqual(properties);
        expect(found.timeout ?? 0).toBe(timeout === 0 ? 0 : timeout);
        expect(found.preview ?? false).toBe(preview);
      }),
    );
  });

  test("come back as they went, a property named __proto__ too", () => {
    const odd = JSON.parse('{"__proto__":{"polluted":true},"a":{"__proto__":1}}');
    fc.assert(
      fc.property(fc.oneof(values, fc.constant(odd)), (inputs) => {
        expect(read(messages.checkResponse, write(messages.checkResponse, { inputs }))).toStrictEqual({ inputs });
      }),
    );
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

test("a text of a megabyte, numbers of several bytes and an empty struct", () => {
  const big = { id: "å".repeat(500_000), properties: {}, reasons: ["one", "", "three"] };
  expect(read(messages.initFailed, write(messages.initFailed, big))).toEqual(big);
  expect(read(messages.status, write(messages.status, { code: 300_000_000 }))).toEqual({ code: 300_000_000 });
});

describe("every message has its fields where the SDK has them", () => {
  const filled: [string, string, messages.Shape, Record<string, unknown>][] = [
    ["CheckRequest", "CheckRequest", messages.checkRequest, { urn: "u", news: {} }],
    ["DiffRequest", "DiffRequest", messages.diffRequest, { id: "i", urn: "u", olds: {}, news: {}, oldInputs: {} }],
    ["ReadRequest", "ReadRequest", messages.readRequest, { id: "i", urn: "u", properties: {}, inputs: {}, timeout: 2 }],
    [
      "UpdateRequest",
      "UpdateRequest",
      messages.updateRequest,
      { id: "i", urn: "u", olds: {}, news: {}, timeout: 2, preview: true, oldInputs: {} },
    ],
    [
      "DeleteRequest",
      "DeleteRequest",
      messages.deleteRequest,
      { id: "i", urn: "u", properties: {}, timeout: 2, oldInputs: {} },
    ],
    ["ConfigureRequest", "ConfigureRequest", messages.configureRequest, { args: {} }],
  ];
  test.each(filled)("%s", (_, name, shape, fields) => {
    expect(Object.keys(fields).sort()).toEqual(Object.keys(shape).sort());
    const request = new (theirClass(name))();
    for (const [key, value] of Object.entries(fields)) {
      const setter = `set${key[0]?.toUpperCase()}${key.slice(1)}` as const;
      request[setter]?.(typeof value === "object" ? Struct.fromJavaScript({ [key]: 1 }) : value);
    }
    const structs = Object.entries(fields).map(([key, value]) => [
      key,
      typeof value === "object" ? { [key]: 1 } : value,
    ]);
    expect(read(shape, Buffer.from(request.serializeBinary()))).toEqual(Object.fromEntries(structs));
  });

  test("a difference", () => {
    const bytes = write(messages.diffResponse, {
      changes: messages.changes.some,
      replaces: ["a"],
      diffs: ["a", "b"],
      deleteBeforeReplace: true,
      hasDetailedDiff: true,
      detailedDiff: [
        { key: "a", value: [{ kind: messages.replacingKinds.update, inputDiff: true }] },
        { key: "b", value: [{ kind: messages.diffKinds.add, inputDiff: true }] },
      ],
    });
    expect(theirClass("DiffResponse").deserializeBinary(bytes).toObject()).toMatchObject({
      changes: 2,
      replacesList: ["a"],
      diffsList: ["a", "b"],
      deletebeforereplace: true,
      hasdetaileddiff: true,
      detaileddiffMap: [
        ["a", { kind: 5, inputdiff: true }],
        ["b", { kind: 0, inputdiff: true }],
      ],
    });
  });

  test("a status", () => {
    const bytes = write(messages.status, { code: 2, message: "no", details: [{ type: "t", value: Buffer.from("x") }] });
    expect(Status?.deserializeBinary(bytes).toObject()).toEqual({
      code: 2,
      message: "no",
      detailsList: [{ typeUrl: "t", value: Buffer.from("x").toString("base64") }],
    });
  });
});

test("broken bytes are an error and no endless loop", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        read(messages.readRequest, Buffer.from(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
  );
});
