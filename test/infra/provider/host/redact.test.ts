import { expect, test } from "vitest";
import { redact } from "../../../../infra/provider/host/redact.ts";

test.each([
  ["chpasswd: line 1: bad: anna:correct-horse", ["anna:correct-horse\n"], "chpasswd: line 1: bad: [secret]"],
  ["no such user correct-horse", ["anna:correct-horse\n"], "no such user [secret]"],
  ["the token 0123456789 is wrong", ["0123456789"], "the token [secret] is wrong"],
  ["short words such as yes stay", ["yes\n"], "short words such as yes stay"],
  ["nothing was fed", [""], "nothing was fed"],
])("%j without %j", (said, inputs, expected) => {
  expect(redact(said, inputs)).toBe(expected);
});
