import { expect, it } from "vitest";
import { localNames, withLocalNames } from "../../../../infra/provider/resources/hosts-file.ts";

const ubuntu = `127.0.0.1 localhost
127.0.1.1\told.example.dk old # me

# The following lines are desirable for IPv6 capable hosts
::1     ip6-localhost ip6-loopback
`;

it("reads the names of each line", () => {
  expect(localNames(ubuntu)).toEqual([["old.example.dk", "old"]]);
  expect(localNames("127.0.1.1 a\n#127.0.1.1 b\n127.0.1.11 c\n127.0.1.1\n")).toEqual([["a"], []]);
  expect(localNames("")).toEqual([]);
});

it.each<[string, string, string[][], string]>([
  [
    "replaces the line in its place",
    ubuntu,
    [["new.example.dk", "new"]],
    ubuntu.replace("127.0.1.1\told.example.dk old # me", "127.0.1.1 new.example.dk new"),
  ],
  [
    "adds it after the line of 127.0.0.1",
    "# hosts\n127.0.0.1 localhost\n::1 localhost\n",
    [["a"]],
    "# hosts\n127.0.0.1 localhost\n127.0.1.1 a\n::1 localhost\n",
  ],
  ["adds it at the top where there is none", "::1 localhost\n", [["a"]], "127.0.1.1 a\n::1 localhost\n"],
  ["ends a last line that does not end", "127.0.0.1 localhost", [["a"]], "127.0.0.1 localhost\n127.0.1.1 a\n"],
  ["makes one of several", "127.0.1.1 a\n::1 x\n127.0.1.1 b\n", [["c"]], "127.0.1.1 c\n::1 x\n"],
  ["removes", "127.0.0.1 localhost\n127.0.1.1 a\n", [], "127.0.0.1 localhost\n"],
  ["writes an empty file", "", [["a"]], "127.0.1.1 a\n"],
  ["keeps empty lines at the end", "127.0.0.1 localhost\n\n", [["a"]], "127.0.0.1 localhost\n127.0.1.1 a\n\n"],
])("%s", (_, text, names, expected) => {
  expect(withLocalNames(text, names)).toBe(expected);
  expect(localNames(expected)).toEqual(names);
});
