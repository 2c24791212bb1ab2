import { describe, expect, test } from "vitest";
import { commandFailed, holdsSecret, trimmed } from "../../../../infra/plugins/command/outcome.ts";
import type { Path } from "../../../../infra/provider/values.ts";

test.each([
  ["", ""],
  ["a", "a"],
  ["a\n", "a"],
  ["a\n\n", "a\n"],
  ["a\r\n", "a\r"],
  ["\n", ""],
])("%j without the newline at its end is %j", (text, expected) => {
  expect(trimmed(text)).toBe(expected);
});

describe("output holds a secret", () => {
  const values = {
    create: "echo 'hunter22'",
    stdin: "hunter22\n",
    environment: { TOKEN: "t0ken", EMPTY: "" },
    triggers: [{ a: "deep" }],
    connection: { host: "dev", user: "root", privateKey: "k3y", proxy: { host: "dev", password: "pa55" } },
  };
  test.each<[string, string, Path[], boolean]>([
    ["nothing is secret", "hunter22 t0ken", [], false],
    ["a secret value stands in it", "it is t0ken!", [["environment", "TOKEN"]], true],
    ["it stands in no output", "it is another", [["environment", "TOKEN"]], false],
    ["the newline of what was typed is not part of it", "got hunter22 there", [["stdin"]], true],
    ["a whole map is secret", "t0ken", [["environment"]], true],
    ["an empty secret is in everything, and no secret", "x", [["environment", "EMPTY"]], false],
    ["deep in a list", "so deep", [["triggers"]], true],
    ["the command's text is secret: whatever it writes may be it", "x", [["create"]], true],
    ["no output has no secret", "", [["create"]], false],
    ["a host and an account are none, though the SDK marks them", "root@dev:22", [["connection"]], false],
    ["a key is one", "k3y", [["connection"]], true],
    ["a proxy's too", "pa55", [["connection"]], true],
    [
      "what is not there",
      "x",
      [
        ["update", "x"],
        ["gone", 1],
      ].slice(1) as Path[],
      false,
    ],
  ])("%s", (_, written, secrets, expected) => {
    expect(holdsSecret(written, { values, secrets })).toBe(expected);
  });
});

describe("a failed command reads", () => {
  test.each([
    ["with what it wrote", { stdout: "one\n", stderr: "two\n" }, false, "failed\n  exit 3:\n  one\n  two"],
    [
      "with the end of much",
      { stdout: "", stderr: "x".repeat(9000) },
      false,
      `failed\n  exit 3:\n  ${"x".repeat(4000)}`,
    ],
    ["without a word", { stdout: "", stderr: "" }, false, "failed\n  exit 3, without a word"],
    ["without a secret", { stdout: "s", stderr: "" }, true, "failed\n  exit 3:\n  [its output may hold a secret]"],
  ])("%s", (_, output, secret, message) => {
    expect(commandFailed("failed", { code: 3, ...output }, secret).message).toBe(message);
  });
});
