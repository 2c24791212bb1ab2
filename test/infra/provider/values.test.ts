import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LocalFile } from "../../../infra/provider/step.ts";
import {
  type Bag,
  decode,
  encode,
  OtherAsset,
  outputSecrets,
  type Path,
  secretKeys,
  UNKNOWN,
  unknownKeys,
  withoutAssets,
} from "../../../infra/provider/values.ts";

const { Struct } = createRequire(import.meta.url)("google-protobuf/google/protobuf/struct_pb.js");
const sign = "4dabf18193072939515e22adb298388d";
const secret = (value: unknown) => ({ [sign]: "1b47061264138c4ac30d75fd1eb44270", value });
const asset = (fields: object) => ({ [sign]: "c44067f5952c0a294b673a41bacd8c17", ...fields });
const archive = (fields: object) => ({ [sign]: "0def7320c3a5731c473e5ecbe6d01bc7", ...fields });
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const hash = "ab".repeat(32);

describe("decode", () => {
  test.each<[string, Record<string, unknown> | undefined, Bag]>([
    ["nothing", undefined, { values: {}, secrets: [] }],
    ["plain values", { a: 1, b: ["x", { c: true }] }, { values: { a: 1, b: ["x", { c: true }] }, secrets: [] }],
    ["an unknown", { a: [unknown] }, { values: { a: [UNKNOWN] }, secrets: [] }],
    ["null as absent", { a: null }, { values: { a: undefined }, secrets: [] }],
    ["a secret", { a: secret("x") }, { values: { a: "x" }, secrets: [["a"]] }],
    ["a secret unknown", { a: secret(unknown) }, { values: { a: UNKNOWN }, secrets: [["a"]] }],
    [
      "secrets in secrets",
      { a: secret({ b: [secret("x"), "y"] }) },
      { values: { a: { b: ["x", "y"] } }, secrets: [["a"], ["a", "b", 0]] },
    ],
    ["a file", { a: asset({ path: "x", hash }) }, { values: { a: new LocalFile("x", hash) }, secrets: [] }],
    ["a file of the state", { a: asset({ hash }) }, { values: { a: new LocalFile("", hash) }, secrets: [] }],
    [
      "a remote file",
      { a: asset({ uri: "https://example.dk/x", hash }) },
      { values: { a: new OtherAsset("remote file", asset({ uri: "https://example.dk/x", hash })) }, secrets: [] },
    ],
    [
      "an archive",
      { a: archive({ path: "x", hash }) },
      { values: { a: new OtherAsset("archive", archive({ path: "x", hash })) }, secrets: [] },
    ],
  ])("%s", (_, wire, bag) => {
    expect(decode(wire)).toEqual(bag);
  });

  test("a text asset is known by the hash of its text", () => {
    const { values } = decode({ a: asset({ text: "hej" }) });
    expect(values.a).toMatchObject({ is: "text", sha256: createHash("sha256").update("hej").digest("hex") });
    expect(JSON.stringify(values)).toBe('{"a":"an asset: text"}');
  });

  test("a file without a hash is read", () => {
    const path = new URL(import.meta.url).pathname;
    expect(decode({ a: asset({ path }) }).values.a).toMatchObject({
      path,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });
});

/** Values as deep as the engine sends them, with unknowns and assets among them. */
const { value } = fc.letrec<{ value: unknown; leaf: unknown }>((tie) => ({
  leaf: fc.oneof(
    fc.string({ unit: "binary" }),
    fc.integer(),
    fc.double({ noNaN: true }).map((number) => number + 0),
    fc.boolean(),
    fc.constant(UNKNOWN),
    fc.constantFrom("a", "").map((path) => new LocalFile(path, hash)),
    fc.constant(new OtherAsset("text", asset({ text: "x", hash }))),
    fc.constant(new OtherAsset("archive", archive({ path: "x", hash }))),
  ),
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    tie("leaf"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key(), tie("value"), { maxKeys: 4 }),
  ),
}));

function key() {
  return fc.string({ unit: "binary", maxLength: 6 }).filter((word) => word !== "__proto__");
}

function pathsIn(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null || value instanceof LocalFile || value instanceof OtherAsset) {
    return [path];
  }
  const inner = Array.isArray(value)
    ? value.flatMap((item, index) => pathsIn(item, [...path, index]))
    : Object.entries(value).flatMap(([key, item]) => pathsIn(item, [...path, key]));
  return path.length === 0 ? inner : [path, ...inner];
}

/** A bag whose secrets are at any depth. */
const bag = fc
  .dictionary(key(), value, { maxKeys: 5 })
  .chain((values) => fc.subarray(pathsIn(values)).map((secrets): Bag => ({ values: { ...values }, secrets })));

describe("encode", () => {
  test("and decode are one another's inverse, through the protocol's bytes", () => {
    fc.assert(
      fc.property(bag, (given) => {
        const bytes = Struct.fromJavaScript(encode(given)).serializeBinary();
        const read = decode(Struct.deserializeBinary(bytes).toJavaScript());
        expect(read.values).toEqual(given.values);
        // The protocol's maps have no order.
        expect(new Set(read.secrets.map((path) => JSON.stringify(path)))).toEqual(
          new Set(given.secrets.map((path) => JSON.stringify(path))),
        );
      }),
    );
  });

  test("leaves out what is undefined, but keeps places in lists", () => {
    expect(encode({ values: { a: undefined, b: { c: undefined }, d: [undefined, 1] }, secrets: [] })).toEqual({
      b: {},
      d: [null, 1],
    });
  });
});

/** What is left of a wire value for everybody to read. */
function readable(wire: unknown): unknown {
  if (Array.isArray(wire)) return wire.map(readable);
  if (typeof wire !== "object" || wire === null) return wire;
  if ((wire as Record<string, unknown>)[sign] === secret(0)[sign]) return "[secret]";
  return Object.fromEntries(Object.entries(wire).map(([key, item]) => [key, readable(item)]));
}

describe("outputSecrets", () => {
  test.each<[string, Bag, Record<string, unknown>, Path[]]>([
    ["no secret", { values: { a: 1 }, secrets: [] }, { a: 1, hash: 2 }, []],
    ["a whole value", { values: { a: 1 }, secrets: [["a"]] }, { a: 1, hash: 2 }, [["a"], ["hash"]]],
    ["one of a list: all of it", { values: { a: ["x", "y"] }, secrets: [["a", 1]] }, { a: ["x", "y"] }, [["a"]]],
    [
      "a field of an entry: the entry, and no other",
      { values: { files: { x: { content: "s" }, y: { content: "p" } } }, secrets: [["files", "x", "content"]] },
      { files: { x: { sha256: "s" }, y: { sha256: "p" } } },
      [["files", "x"]],
    ],
    [
      "an output called as a method of objects",
      { values: { a: 1 }, secrets: [["a"]] },
      { constructor: 2 },
      [["a"], ["constructor"]],
    ],
  ])("%s", (_, inputs, outputs, secrets) => {
    expect(outputSecrets(inputs, outputs)).toEqual(secrets);
  });

  test("an output that follows from no input stays open", () => {
    const inputs: Bag = { values: { a: 1 }, secrets: [["a"]] };
    expect(outputSecrets(inputs, { a: 1, hash: 2, publicKey: 3 }, ["publicKey"])).toEqual([["a"], ["hash"]]);
  });

  test("no secret input can be read in outputs that repeat it or derive from it", () => {
    fc.assert(
      fc.property(bag, fc.nat(), (given, seed) => {
        const paths = pathsIn(given.values).filter((path) => path.length > 0);
        fc.pre(paths.length > 0);
        const canary = "canary-7f3b";
        const path = paths[seed % paths.length] as Path;
        const values = planted(given.values, path, canary) as Record<string, unknown>;
        const outputs = { ...values, "derived output": `hash of ${canary}` };
        const secrets = outputSecrets({ values, secrets: [...given.secrets, path] }, outputs);
        expect(JSON.stringify(readable(encode({ values: outputs, secrets })))).not.toContain(canary);
      }),
    );
  });
});

function planted(value: unknown, [step, ...rest]: Path, canary: string): unknown {
  if (step === undefined) return canary;
  if (Array.isArray(value)) return value.map((item, index) => (index === step ? planted(item, rest, canary) : item));
  return Object.fromEntries(
    Object.entries(value as object).map(([key, item]) => [key, key === step ? planted(item, rest, canary) : item]),
  );
}

test("unknownKeys and secretKeys name top-level keys", () => {
  const given = decode({ a: [{ b: unknown }], c: secret("x"), d: { e: [secret("y"), secret("z")] }, f: 1 });
  expect(unknownKeys(given.values)).toEqual(["a"]);
  expect(secretKeys(given)).toEqual(["c", "d"]);
});

test("outputs name assets by their hash", () => {
  const values = { a: new LocalFile("x", hash), b: [new OtherAsset("archive", archive({ hash }))], c: null };
  expect(withoutAssets(values)).toEqual({ a: { sha256: hash }, b: [{ sha256: hash }], c: null });
});
