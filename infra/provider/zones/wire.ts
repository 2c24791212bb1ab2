import { bytesOfAddress } from "../ranges.ts";

/** Numbers of record types (IANA, DNS parameters). */
export const types = { A: 1, CNAME: 5, SOA: 6, TXT: 16, AAAA: 28, TSIG: 250, ANY: 255 } as const;

/** Numbers of classes. In an update NONE and ANY say what is done with a record (RFC 2136, section 2.5). */
export const classes = { IN: 1, NONE: 254, ANY: 255 } as const;

/** A name in wire format, uncompressed and in lower case, as it is signed (RFC 8945, section 4.3.3). @param name With or without the closing dot. */
export function nameBytes(name: string): Buffer {
  const labels = name
    .toLowerCase()
    .split(".")
    .filter((label) => label !== "");
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([Buffer.byteLength(label)]), Buffer.from(label)]),
    Buffer.from([0]),
  ]);
}

/** An unsigned number of two, four or six bytes. */
export function numberBytes(value: number, size: 2 | 4 | 6): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}

/** The data of an address record. */
export function addressData(address: string): Buffer {
  return Buffer.from(bytesOfAddress(address));
}

/** The data of a TXT record: pieces of at most 255 bytes (RFC 1035, section 3.3.14). */
export function textData(value: string): Buffer {
  const bytes = Buffer.from(value);
  const pieces = Array.from({ length: Math.max(1, Math.ceil(bytes.length / 255)) }, (_, index) =>
    bytes.subarray(index * 255, (index + 1) * 255),
  );
  return Buffer.concat(pieces.flatMap((piece) => [Buffer.from([piece.length]), piece]));
}

/** Where the last record of a message begins, and its type: TSIG is the last one. @throws RangeError of a message that ends too soon */
export function lastRecord(message: Buffer): { readonly at: number; readonly type: number } | undefined {
  const [questions = 0, ...records] = [4, 6, 8, 10].map((at) => message.readUInt16BE(at));
  let at = 12;
  for (let question = 0; question < questions; question++) at = nameEnd(message, at) + 4;
  let last: { at: number; type: number } | undefined;
  const count = records.reduce((sum, each) => sum + each, 0);
  for (let record = 0; record < count; record++) {
    const fixed = nameEnd(message, at);
    last = { at, type: message.readUInt16BE(fixed) };
    at = fixed + 10 + message.readUInt16BE(fixed + 8);
  }
  if (at !== message.length) throw new RangeError("the message does not end with its last record");
  return last;
}

/** Where a name ends. */
export function nameEnd(message: Buffer, begin: number): number {
  for (let at = begin; ; ) {
    const length = message.readUInt8(at);
    // A pointer ends it (RFC 1035, section 4.1.4).
    if (length >= 0xc0) return at + 2;
    at += 1 + length;
    if (length === 0) return at;
  }
}

/** A name in lower case, with pointers followed; each points further back, so there is an end. @throws RangeError when one does not */
export function readName(message: Buffer, begin: number): string {
  const labels: string[] = [];
  for (let [at, limit] = [begin, begin]; ; ) {
    const length = message.readUInt8(at);
    if (length === 0) return labels.join(".").toLowerCase();
    if (length >= 0xc0) {
      at = message.readUInt16BE(at) & 0x3fff;
      if (at >= limit) throw new RangeError("a name points forward");
      limit = at;
      continue;
    }
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
}
