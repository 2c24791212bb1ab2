import { expect, test } from "vitest";
import { askListeners, listensFor, readListeners } from "../../../scripts/verify/listening.ts";

// iproute2 6.1 on Debian 12, `ss -Hltn`.
const debian12 = `LISTEN 0      128             127.0.0.1:443  0.0.0.0:*
LISTEN 0      128         127.0.0.53%lo:53   0.0.0.0:*
LISTEN 0      128               0.0.0.0:22   0.0.0.0:*
LISTEN 0      128            127.0.0.54:53   0.0.0.0:*
LISTEN 0      128    [::ffff:10.1.0.13]:8080       *:*
LISTEN 0      128                     *:9100       *:*
LISTEN 0      128            [fd00::13]:8443    [::]:*
LISTEN 0      128                  [::]:22      [::]:*
`;

test("what ss prints is read, with the interface left out", () => {
  expect(readListeners(debian12).map(({ address, port }) => `${address} ${port}`)).toEqual([
    "127.0.0.1 443",
    "127.0.0.53 53",
    "0.0.0.0 22",
    "127.0.0.54 53",
    "10.1.0.13 8080",
    "* 9100",
    "fd00::13 8443",
    ":: 22",
  ]);
});

test.each([
  ["10.1.0.13", 22, true],
  ["fd00::13", 22, true],
  ["10.1.0.13", 9100, true],
  ["mo.kommune.dk", 9100, true],
  ["fd00::13", 8443, true],
  ["10.1.0.13", 8080, true],
  ["10.1.0.13", 443, false],
  ["10.1.0.13", 8443, false],
  ["10.1.0.13", 80, false],
  // Which version of IP was tried is not known.
  ["mo.kommune.dk", 22, false],
])("something surely listens for %s %i: %s", (address, port, expected) => {
  expect(listensFor(readListeners(debian12), { protocol: "tcp", address, port })).toBe(expected);
});

test("a server without ss says nothing", async () => {
  const missing = { look: async () => ({ code: 127, stdout: "", stderr: "" }) };
  expect(await askListeners(missing)).toBeUndefined();
});

test("a server with ss is asked without root", async () => {
  const asked: unknown[] = [];
  const host = {
    look: async (...words: unknown[]) => {
      asked.push(words);
      return { code: 0, stdout: debian12, stderr: "" };
    },
  };
  expect(await askListeners(host)).toHaveLength(8);
  expect(asked).toEqual([[["ss", "-Hltn"], { exits: [0, 127] }]]);
});
