/**
 * What travels between us and the program on the host (remote.pl), in both directions: a 32-bit length of what follows,
 * one byte of kind, a 32-bit request number, then fields, each a 32-bit length and that many bytes. All big-endian.
 * Perl reads it with the templates "C N" and "(N/a)*".
 */
export interface Frame {
  readonly kind: number;
  readonly id: number;
  readonly fields: readonly Uint8Array[];
}

/** Bytes of the longest frame that either side accepts; more is a broken stream. */
export const longestFrame = 64 * 1024 * 1024;

/** Kinds that we send. */
export const ask = { exec: 1, inspect: 2, open: 3, data: 4, finish: 5, abort: 6, ping: 7 } as const;

/** Kinds that the host answers with. `entry` is one of several; `done` and `failed` are the last of a request. */
export const answer = { started: 65, entry: 66, done: 67, failed: 68, pong: 69 } as const;

/** One frame as bytes. Text becomes UTF-8. Throws a RangeError when it would be too long. */
export function encode(kind: number, id: number, fields: readonly (Uint8Array | string)[] = []): Buffer {
  const parts = fields.map((field) => (typeof field === "string" ? Buffer.from(field) : field));
  const length = parts.reduce((sum, part) => sum + 4 + part.length, 5);
  if (length > longestFrame) throw new RangeError(`${length} bytes are too long for one message`);
  const bytes = Buffer.allocUnsafe(4 + length);
  bytes.writeUInt32BE(length, 0);
  bytes.writeUInt8(kind, 4);
  bytes.writeUInt32BE(id, 5);
  let at = 9;
  for (const part of parts) {
    bytes.writeUInt32BE(part.length, at);
    bytes.set(part, at + 4);
    at += 4 + part.length;
  }
  return bytes;
}

/** Cuts a stream of bytes into frames, however the stream was split on its way. */
export class Decoder {
  #chunks: Uint8Array[] = [];
  #length = 0;
  #needed = 4;

  /** The frames that are complete with these bytes. Throws on a stream that is not ours. */
  push(chunk: Uint8Array): Frame[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    // Joined only when a whole frame is there: joining at each chunk would copy a large frame over and over.
    if (this.#length < this.#needed) return [];
    const bytes = Buffer.concat(this.#chunks);
    const frames: Frame[] = [];
    let at = 0;
    this.#needed = 4;
    while (bytes.length - at >= 4) {
      const length = bytes.readUInt32BE(at);
      if (length < 5 || length > longestFrame) throw new Error("the host sent something that is no message");
      if (bytes.length - at < 4 + length) {
        this.#needed = 4 + length;
        break;
      }
      frames.push(decode(bytes.subarray(at + 4, at + 4 + length)));
      at += 4 + length;
    }
    this.#chunks = [bytes.subarray(at)];
    this.#length = bytes.length - at;
    return frames;
  }
}

function decode(body: Buffer): Frame {
  const fields: Buffer[] = [];
  let at = 5;
  while (at < body.length) {
    const length = at + 4 <= body.length ? body.readUInt32BE(at) : Number.POSITIVE_INFINITY;
    if (at + 4 + length > body.length) throw new Error("the host sent a message with a broken field");
    fields.push(body.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return { kind: body.readUInt8(0), id: body.readUInt32BE(1), fields };
}
