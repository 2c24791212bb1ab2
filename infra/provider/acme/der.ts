/** One element of DER (X.690): what of a certificate Node's own reader does not tell is read with it. */
export interface Element {
  /** Class, form and number as they stand: 0x30 is a SEQUENCE, 0xa0 is `[0]`. */
  readonly tag: number;
  readonly content: Buffer;
  /** Tag, length and content. */
  readonly whole: Buffer;
}

export const INTEGER = 0x02;
export const OCTET_STRING = 0x04;
export const OBJECT_IDENTIFIER = 0x06;

/** What is no DER, or ends too early. */
export class NotDer extends Error {
  override readonly name = "NotDer";
}

/** The elements that stand one after another. */
export function elements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const element = first(rest);
    found.push(element);
    rest = rest.subarray(element.whole.length);
  }
  return found;
}

/** The elements inside of the first one. */
export function inside(bytes: Buffer): Element[] {
  return elements(first(bytes).content);
}

function first(bytes: Buffer): Element {
  const [tag, short] = bytes;
  if (tag === undefined || short === undefined) throw new NotDer("ends too early");
  // Numbers of tags above 30 and lengths of four bytes or more have no place in a certificate.
  if ((tag & 0x1f) === 0x1f) throw new NotDer("has a tag of several bytes");
  const more = short < 0x80 ? 0 : short - 0x80;
  if (short === 0x80 || more > 3) throw new NotDer("has a length that cannot be");
  if (bytes.length < 2 + more) throw new NotDer("ends too early");
  const length = more === 0 ? short : bytes.readUIntBE(2, more);
  const end = 2 + more + length;
  if (bytes.length < end) throw new NotDer("ends too early");
  return { tag, content: bytes.subarray(2 + more, end), whole: bytes.subarray(0, end) };
}
