import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { LocalFile } from "./step.ts";

/**
 * Property values as Pulumi's protocol carries them, and as kinds see them. Secrets, unknowns and assets are objects or
 * strings with agreed signatures on the wire (pulumi/sdk/go/common/resource/properties.go).
 */

/** A value that is not known in this preview. */
export const UNKNOWN = Symbol("unknown");

/** Keys from the top to a value. */
export type Path = readonly (string | number)[];

/** Property values with what is known about them apart. */
export interface Bag {
  /** Plain values; `UNKNOWN` where one is not known yet. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Where the values are secret. */
  readonly secrets: readonly Path[];
}

export const emptyBag: Bag = { values: {}, secrets: [] };

const unknownWord = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const assetSignature = "c44067f5952c0a294b673a41bacd8c17";
const archiveSignature = "0def7320c3a5731c473e5ecbe6d01bc7";

/** What stands for a file without being one on this machine: text, a remote file, an archive. Compared by its hash, as files are. */
export class OtherAsset {
  readonly is: "text" | "remote file" | "archive";
  /** Hexadecimal SHA-256, as the engine computed it. */
  readonly sha256: string;
  /** As it came, and as it goes back. */
  readonly wire: Readonly<Record<string, unknown>>;

  constructor(is: OtherAsset["is"], wire: Readonly<Record<string, unknown>>) {
    this.is = is;
    this.sha256 = typeof wire.hash === "string" && wire.hash !== "" ? wire.hash : sha256(JSON.stringify(wire));
    this.wire = wire;
  }

  /** What messages show of it: never its text. */
  toJSON(): string {
    return `an asset: ${this.is}`;
  }
}

/** From the wire to plain values. */
export function decode(wire: Record<string, unknown> | undefined): Bag {
  const secrets: Path[] = [];
  const values = Object.fromEntries(
    Object.entries(wire ?? {}).map(([key, value]) => [key, decodeValue(value, [key], secrets)]),
  );
  return { values, secrets };
}

function decodeValue(value: unknown, path: Path, secrets: Path[]): unknown {
  if (value === unknownWord) return UNKNOWN;
  if (Array.isArray(value)) return value.map((item, index) => decodeValue(item, [...path, index], secrets));
  if (typeof value !== "object" || value === null) return value ?? undefined;
  const object = value as Record<string, unknown>;
  if (object[signatureKey] === secretSignature) {
    secrets.push(path);
    return decodeValue(object.value, path, secrets);
  }
  if (object[signatureKey] === assetSignature) return decodeAsset(object);
  if (object[signatureKey] === archiveSignature) return new OtherAsset("archive", object);
  return Object.fromEntries(
    Object.entries(object).map(([key, item]) => [key, decodeValue(item, [...path, key], secrets)]),
  );
}

/** The engine sends assets of the state by their hash alone: what they were is not known then. */
function decodeAsset(wire: Record<string, unknown>): unknown {
  const { path, hash, text, uri } = wire;
  if (typeof text === "string" && text !== "") {
    return new OtherAsset("text", { ...wire, hash: hash || sha256(text) });
  }
  if (typeof uri === "string" && uri !== "") return new OtherAsset("remote file", wire);
  const local = typeof path === "string" ? path : "";
  return new LocalFile(local, typeof hash === "string" && hash !== "" ? hash : sha256(readFileSync(resolve(local))));
}

function sha256(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** From plain values to the wire, with the secrets marked. */
export function encode({ values, secrets }: Bag): Record<string, unknown> {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([key, value]) => [key, encodeValue(value, [key], secrets)]));
}

function encodeValue(value: unknown, path: Path, secrets: readonly Path[]): unknown {
  const plain = encodePlain(value, path, secrets);
  return secrets.some((secret) => samePath(secret, path)) ? { [signatureKey]: secretSignature, value: plain } : plain;
}

function encodePlain(value: unknown, path: Path, secrets: readonly Path[]): unknown {
  if (value === UNKNOWN) return unknownWord;
  if (value instanceof LocalFile) {
    return { [signatureKey]: assetSignature, hash: value.sha256, ...(value.path === "" ? {} : { path: value.path }) };
  }
  if (value instanceof OtherAsset) return value.wire;
  if (Array.isArray(value)) return value.map((item, index) => encodeValue(item, [...path, index], secrets));
  if (typeof value !== "object" || value === null) return value ?? null;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, encodeValue(item, [...path, key], secrets)]));
}

/**
 * Outputs name a file by its hash, as plain text: the program's SDK refuses an asset without a path or text ("Invalid
 * asset"), and of a file on the host only the hash is known.
 */
export function withoutAssets(value: unknown): unknown {
  if (value instanceof LocalFile || value instanceof OtherAsset) return { sha256: value.sha256 };
  if (Array.isArray(value)) return value.map(withoutAssets);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutAssets(item)]));
}

/** Top-level keys that hold an unknown at any depth. */
export function unknownKeys(values: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(values).filter((key) => holdsUnknown(values[key]));
}

function holdsUnknown(value: unknown): boolean {
  if (value === UNKNOWN) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(holdsUnknown);
}

/** Top-level keys that hold a secret at any depth. */
export function secretKeys(bag: Bag): string[] {
  return [...new Set(bag.secrets.map((path) => String(path[0])))];
}

/**
 * Where outputs are secret, given the secrets of the inputs: the same values; for a secret inside a list or map the whole
 * entry, since what stands beside it may be derived from it (a hash of a short secret tells it); and every output that
 * is not an input.
 *
 * @param independent Outputs that follow from no input, so that no secret can be in them.
 */
export function outputSecrets(
  inputs: Bag,
  outputs: Readonly<Record<string, unknown>>,
  independent: readonly string[] = [],
): Path[] {
  if (inputs.secrets.length === 0) return [];
  const entries = inputs.secrets.map((path) => (path.length > 1 ? path.slice(0, -1) : path));
  const derived = Object.keys(outputs)
    .filter((key) => !Object.hasOwn(inputs.values, key) && !independent.includes(key))
    .map((key) => [key]);
  return [...entries, ...derived];
}

function samePath(one: Path, other: Path): boolean {
  return one.length === other.length && one.every((key, index) => key === other[index]);
}
