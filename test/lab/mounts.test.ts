import { expect, test } from "vitest";
import { mountsBelow } from "../../lab/mounts.ts";

const mountinfo = [
  "22 1 254:0 / / rw - ext4 /dev/vda rw",
  "30 22 0:40 / /c/run/lab/machines/dev/root rw - overlay overlay rw",
  "31 30 0:41 / /c/run/lab/machines/dev/root/inner rw - tmpfs tmpfs rw",
  "32 22 0:42 / /c/run/lab2/machines/dev/root rw - overlay overlay rw",
  "33 22 0:43 / /c/run/lab/a\\040b rw - tmpfs tmpfs rw",
  "",
].join("\n");

test.each([
  ["/c/run/lab", ["/c/run/lab/a b", "/c/run/lab/machines/dev/root/inner", "/c/run/lab/machines/dev/root"]],
  ["/c/run/lab2/machines/dev/root", ["/c/run/lab2/machines/dev/root"]],
  ["/c/run/la", []],
])("mountsBelow(%o): innermost first, no other lab's", (folder, expected) => {
  expect(mountsBelow(mountinfo, folder)).toEqual(expected);
});
