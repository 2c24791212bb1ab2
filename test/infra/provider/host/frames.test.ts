import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Decoder, encode, longestFrame } from "../../../../infra/provider/host/frames.ts";

const frame = fc.record({
  kind: fc.integer({ min: 0, max: 255 }),
  id: fc.integer({ min: 0, max: 0xffffffff }),
  fields: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }),
});

describe("frames", () => {
  test("are these bytes", () => {
    expect(encode(7, 258, ["ø", new Uint8Array([0])]).toString("hex")).toBe(
      "00000010" + "07" + "00000102" + "00000002c3b8" + "00000001" + "00",
    );
  });

  test("come out as they went in, however the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat({ max: 400 })), (frames, cuts) => {
        const bytes = Buffer.concat(frames.map(({ kind, id, fields }) => encode(kind, id, fields)));
        const decoder = new Decoder();
        const seen = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          seen.push(...decoder.push(bytes.subarray(at, at + cut)));
          at += cut;
        }
        expect(
          seen.map(({ kind, id, fields }) => ({ kind, id, fields: fields.map((field) => new Uint8Array(field)) })),
        ).toEqual(frames);
      }),
    );
  });

  test.each([
    ["a frame shorter than its head", "00000004" + "01000000"],
    ["a frame that is too long", "7fffffff"],
    ["a field longer than its frame", "0000000a" + "0100000000" + "00000009" + "00"],
  ])("%s is refused", (_, hex) => {
    expect(() => new Decoder().push(Buffer.from(hex, "hex"))).toThrow(/the host sent/);
  });

  test("what is too long is not sent", () => {
    expect(() => encode(1, 1, [new Uint8Array(longestFrame)])).toThrow(RangeError);
  });
});
