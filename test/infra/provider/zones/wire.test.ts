import { expect, test } from "vitest";
import {
  addressData,
  lastRecord,
  nameBytes,
  nameEnd,
  numberBytes,
  readName,
} from "../../../../infra/provider/zones/wire.ts";

const header = Buffer.alloc(12);

test("names are written in full and in lower case, with or without the closing dot", () => {
  expect(nameBytes("Os2mo.DK.").toString("latin1")).toBe("\x05os2mo\x02dk\x00");
  expect([nameBytes(""), nameBytes(".")]).toEqual([Buffer.from([0]), Buffer.from([0])]);
});

test("a name that goes on where it points to is read, and ends after its pointer", () => {
  const message = Buffer.concat([
    header,
    nameBytes("Zone.test"),
    Buffer.from("\x01A\xc0\x0c", "latin1"),
    Buffer.from("rest"),
  ]);
  expect([readName(message, 12), readName(message, 23)]).toEqual(["zone.test", "a.zone.test"]);
  expect([nameEnd(message, 12), nameEnd(message, 23)]).toEqual([23, 27]);
});

test.each([
  ["itself", "\xc0\x0c"],
  ["what comes after it", "\xc0\x0e\x00"],
  ["nothing", "\x05os"],
])("a name that leads to %s has no end, and is not read", (_, text) => {
  expect(() => readName(Buffer.concat([header, Buffer.from(text, "latin1")]), 12)).toThrow(RangeError);
});

test("addresses and numbers", () => {
  expect(addressData("10.1.2.3").toString("hex")).toBe("0a010203");
  expect(addressData("fd00::3").toString("hex")).toBe("fd000000000000000000000000000003");
  expect(numberBytes(0x6b0ac5a7, 6).toString("hex")).toBe("00006b0ac5a7");
});

test("the last record is found behind questions and records, and a message must end with it", () => {
  const counted = Buffer.from(header);
  counted.writeUInt16BE(1, 4);
  counted.writeUInt16BE(2, 6);
  const question = Buffer.concat([nameBytes("a.test"), numberBytes(1, 2), numberBytes(1, 2)]);
  const record = (type: number) =>
    Buffer.from(`\xc0\x0c\x00${String.fromCharCode(type)}\x00\x01\x00\x00\x00\x00\x00\x01x`, "latin1");
  const message = Buffer.concat([counted, question, record(1), record(16)]);
  expect(lastRecord(message)).toEqual({ at: message.length - 13, type: 16 });
  expect(lastRecord(header)).toBeUndefined();
  expect(() => lastRecord(Buffer.concat([message, Buffer.from("x")]))).toThrow(RangeError);
  expect(() => lastRecord(message.subarray(0, -1))).toThrow(RangeError);
});
