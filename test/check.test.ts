import { expect, test } from "vitest";
import { biomeWords, typeCheckWords } from "../scripts/checks.ts";
import { finish } from "../scripts/command.ts";
import { projectFolder } from "../scripts/engine/environment.ts";

test.each([
  { name: "types are right", words: typeCheckWords },
  { name: "lint and format are right", words: biomeWords() },
])(
  "$name",
  async ({ words }) => {
    const { code, stdout, stderr } = await finish(words, { cwd: projectFolder });
    expect({ code, said: code === 0 ? "" : stdout + stderr }).toEqual({ code: 0, said: "" });
  },
  120_000,
);
