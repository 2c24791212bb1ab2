import { expect, test } from "vitest";
import { wordsFor } from "../../../scripts/engine/import-words.ts";

const built = "built from pinned Go modules";

test.each([
  { from: built, args: ["import", "-s", "dev"], words: ["import", "--generate-code=false", "-s", "dev"] },
  { from: built, args: ["import", "--generate-code=true"], words: ["import", "--generate-code=true"] },
  { from: built, args: ["up", "-s", "import"], words: ["up", "-s", "import"] },
  { from: built, args: [], words: [] },
  { from: "PATH", args: ["import", "-s", "dev"], words: ["import", "-s", "dev"] },
  { from: "vendor's installer", args: ["import"], words: ["import"] },
] as const)("an engine $from is called with $words", ({ from, args, words }) => {
  expect(wordsFor({ from }, args)).toEqual(words);
});
