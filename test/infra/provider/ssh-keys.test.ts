import { expect, test } from "vitest";
import { isKeyOfType } from "../../../infra/provider/ssh-keys.ts";

function field(bytes: string | Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, Buffer.from(bytes)]);
}

const type = "ssh-ed25519";
const whole = Buffer.concat([field(type), field(Buffer.alloc(32, 7))]);

test.each([
  { name: "whole", base64: whole.toString("base64"), key: true },
  { name: "cut short", base64: whole.subarray(0, -3).toString("base64"), key: false },
  { name: "with more behind it", base64: Buffer.concat([whole, Buffer.alloc(3)]).toString("base64"), key: false },
  { name: "of another type", base64: Buffer.concat([field("ssh-rsa"), field("x")]).toString("base64"), key: false },
  { name: "of a type alone", base64: field(type).toString("base64"), key: false },
  { name: "in letters that are no base64", base64: `${whole.toString("base64")}!`, key: false },
  { name: "empty", base64: "", key: false },
])("RFC 4253, section 6.6: a key $name is one: $key", ({ base64, key }) => {
  expect(isKeyOfType(base64, type)).toBe(key);
});
