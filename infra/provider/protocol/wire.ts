import type { Field, Shape } from "./messages.ts";

/**
 * Protocol buffers (protobuf.dev/programming-guides/encoding) as far as the provider protocol needs them. The generated
 * messages make an object for each value of a Struct: at 600 resources that is half of what the plugin computes and keeps.
 */

export type Message = Readonly<Record<string, unknown>>;

/** Types on the wire. */
const VARINT = 0;
const I64 = 1;
const LEN = 2;
const I32 = 5;

/** The fields of a message that have a name in its shape; the others are left out. Throws a RangeError on broken bytes. */
export function read(shape: Shape, bytes: Buffer): Message {
  return readMessage(shape, new Reader(bytes), bytes.length);
}

function readMessage(shape: Shape, from: Reader, end: number): Message {
  const message: Record<string, unknown> = {};
  while (from.at < end) {
    const tag = from.varint();
    const found = Object.entries(shape).find(([, [number]]) => number === tag >>> 3);
    if (found === undefined) from.skip(tag & 7);
    else message[found[0]] = readField(found[1][1], from, message[found[0]]);
  }
  return message;
}

function readField(type: Field, from: Reader, before: unknown): unknown {
  switch (type) {
    case "bool":
      return from.varint() !== 0;
    case "int":
      return from.varint();
    case "double":
      return from.double();
    case "string":
      return from.text();
    case "bytes":
      return from.bytes();
    case "struct":
      return readStruct(from, from.end());
    default: {
      const item = type.of === "string" ? from.text() : readMessage(type.of, from, from.end());
      return [...((before as unknown[] | undefined) ?? []), item];
    }
  }
}

/** google.protobuf.Struct: field 1 is a map of text to Value. */
function readStruct(from: Reader, end: number): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  while (from.at < end) {
    from.varint();
    const entry = from.end();
    let key = "";
    let value: unknown = null;
    while (from.at < entry) {
      if (from.varint() >>> 3 === 1) key = from.text();
      else value = readValue(from, from.end());
    }
    // An assignment would set the object's prototype.
    if (key === "__proto__") Object.defineProperty(values, key, { value, enumerable: true, configurable: true });
    else values[key] = value;
  }
  return values;
}

/** google.protobuf.Value: null 1, number 2, string 3, bool 4, struct 5, list 6. */
function readValue(from: Reader, end: number): unknown {
  let value: unknown = null;
  while (from.at < end) {
    const tag = from.varint();
    switch (tag >>> 3) {
      case 1:
        from.varint();
        value = null;
        break;
      case 2:
        value = from.double();
        break;
      case 3:
        value = from.text();
        break;
      case 4:
        value = from.varint() !== 0;
        break;
      case 5:
        value = readStruct(from, from.end());
        break;
      case 6: {
        const items: unknown[] = [];
        for (const last = from.end(); from.at < last; ) {
          from.varint();
          items.push(readValue(from, from.end()));
        }
        value = items;
        break;
      }
      default:
        from.skip(tag & 7);
    }
  }
  return value;
}

class Reader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  varint(): number {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = this.#bytes.readUInt8(this.at++);
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  }

  double(): number {
    this.at += 8;
    return this.#bytes.readDoubleLE(this.at - 8);
  }

  /** Where what comes next ends, by the length that stands before it. */
  end(): number {
    const length = this.varint();
    if (this.at + length > this.#bytes.length) throw new RangeError("a message ends before its last field does");
    return this.at + length;
  }

  text(): string {
    const end = this.end();
    const text = this.#bytes.toString("utf8", this.at, end);
    this.at = end;
    return text;
  }

  bytes(): Buffer {
    const end = this.end();
    const bytes = this.#bytes.subarray(this.at, end);
    this.at = end;
    return bytes;
  }

  skip(type: number): void {
    if (type === VARINT) this.varint();
    else if (type === I64) this.at += 8;
    else if (type === LEN) this.at = this.end();
    else if (type === I32) this.at += 4;
    else throw new RangeError(`a message holds a field of the unknown type ${type}`);
  }
}

/** A message as bytes. What is absent, empty, zero or false is left out, as proto3 does. */
export function write(shape: Shape, message: Message): Buffer {
  const to = new Writer();
  writeMessage(to, shape, message);
  return to.done();
}

function writeMessage(to: Writer, shape: Shape, message: Message): void {
  for (const [name, [number, type]] of Object.entries(shape).reverse()) {
    const value = message[name];
    if (value === undefined || value === "" || value === false || value === 0) continue;
    if (type === "bool" || type === "int") {
      to.varint(Number(value));
      to.varint(number << 3);
    } else if (type === "double") {
      to.double(value as number);
      to.varint((number << 3) | I64);
    } else if (typeof type === "object") {
      for (const item of (value as readonly unknown[]).toReversed()) writeSized(to, number, type.of, item);
    } else writeSized(to, number, type, value);
  }
}

function writeSized(to: Writer, number: number, type: "string" | "bytes" | "struct" | Shape, value: unknown): void {
  const before = to.length;
  if (type === "string") to.text(value as string);
  else if (type === "bytes") to.bytes(value as Uint8Array);
  else if (type === "struct") writeStruct(to, value as Message);
  else writeMessage(to, type, value as Message);
  to.sized(before, number);
}

function writeStruct(to: Writer, values: Message): void {
  for (const key of Object.keys(values).reverse()) {
    const entry = to.length;
    writeValue(to, values[key]);
    to.sized(entry, 2);
    const name = to.length;
    to.text(key);
    to.sized(name, 1);
    to.sized(entry, 1);
  }
}

function writeValue(to: Writer, value: unknown): void {
  const before = to.length;
  if (typeof value === "string") {
    to.text(value);
    to.sized(before, 3);
  } else if (typeof value === "number") {
    to.double(value);
    to.varint((2 << 3) | I64);
  } else if (typeof value === "boolean") {
    to.varint(Number(value));
    to.varint(4 << 3);
  } else if (Array.isArray(value)) {
    for (const item of value.toReversed()) {
      const start = to.length;
      writeValue(to, item);
      to.sized(start, 1);
    }
    to.sized(before, 6);
  } else if (typeof value === "object" && value !== null) {
    writeStruct(to, value as Message);
    to.sized(before, 5);
  } else {
    to.varint(0);
    to.varint(1 << 3);
  }
}

/** Writes from the end to the start: a length stands before what it counts, and is known only after. */
class Writer {
  #bytes = Buffer.allocUnsafe(4096);
  #at = 4096;

  get length(): number {
    return this.#bytes.length - this.#at;
  }

  varint(value: number): void {
    let size = 1;
    for (let left = value; left > 127; left = Math.floor(left / 128)) size += 1;
    let at = this.#room(size);
    for (let left = value; at < this.#at + size; left = Math.floor(left / 128), at += 1) {
      this.#bytes[at] = (left % 128) | (at === this.#at + size - 1 ? 0 : 128);
    }
  }

  double(value: number): void {
    const at = this.#room(8);
    this.#bytes.writeDoubleLE(value, at);
  }

  text(value: string): void {
    const at = this.#room(Buffer.byteLength(value));
    this.#bytes.write(value, at);
  }

  bytes(value: Uint8Array): void {
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
  }

  /** Puts length and number in front of what was written since. */
  sized(before: number, number: number): void {
    this.varint(this.length - before);
    this.varint((number << 3) | LEN);
  }

  done(): Buffer {
    return this.#bytes.subarray(this.#at);
  }

  /** Where the next bytes go. May change which buffer that is in: so it is asked before the buffer is touched. */
  #room(size: number): number {
    if (size > this.#at) {
      const { length } = this;
      const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, length + size));
      larger.set(this.done(), larger.length - length);
      this.#at = larger.length - length;
      this.#bytes = larger;
    }
    this.#at -= size;
    return this.#at;
  }
}
