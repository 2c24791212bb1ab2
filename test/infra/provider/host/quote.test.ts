import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { commandLine } from "../../../../infra/provider/host/quote.ts";

test.each([
  [["ls", "-la", "/a b"], "ls -la '/a b'"],
  [["echo", ""], "echo ''"],
  [["echo", "it's"], "echo 'it'\\''s'"],
  [["echo", "~", "*"], "echo '~' '*'"],
])("%j becomes %s", (argv, line) => {
  expect(commandLine(argv)).toBe(line);
});

test("a shell reads the words that went in", () => {
  const word = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 5 }), (words) => {
      const said = execFileSync("/bin/sh", ["-c", `${commandLine(["printf", "%s\\0", "", ...words])}`]).toString();
      expect(said.split("\0").slice(1, -1)).toEqual(words);
    }),
    { numRuns: 60 },
  );
});
