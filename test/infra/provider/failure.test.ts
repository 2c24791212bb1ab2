import { describe, expect, test } from "vitest";
import { Failure, reason } from "../../../infra/provider/failure.ts";

describe("a failure reads in lines", () => {
  test.each([
    ["two", { what: "could not write", why: "disk full" }, "could not write\n  disk full"],
    [
      "three",
      { what: "could not write", why: "disk full", remedy: "Make room." },
      "could not write\n  disk full\n  Make room.",
    ],
    [
      "more, each below what failed",
      { what: "could not write", why: "one\ntwo\n", remedy: "three\nfour" },
      "could not write\n  one\n  two\n  three\n  four",
    ],
  ])("%s", (_, explanation, message) => {
    const cause = new Error("below");
    const failure = new Failure(explanation, { cause });
    expect(failure.message).toBe(message);
    expect([failure.cause, failure.explanation, failure.name]).toEqual([cause, explanation, "Failure"]);
  });
});

test.each([
  [new Error("no"), "no"],
  ["no", "no"],
  [undefined, "undefined"],
])("the reason of %o is %s", (thrown, text) => {
  expect(reason(thrown)).toBe(text);
});
