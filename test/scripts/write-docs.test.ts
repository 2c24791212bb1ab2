import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { allKinds } from "../../infra/provider/kinds.ts";
import { generatedPages, resourceSources } from "../../scripts/docs/pages.ts";
import { argsOf, classOf } from "../../scripts/docs/resources-page.ts";
import { projectFolder } from "../../scripts/engine/environment.ts";

test.each([...(await generatedPages())])("%s is what `npm run docs` writes", (path, text) => {
  expect(readFileSync(join(projectFolder, path), "utf8")).toBe(text);
});

const sources = resourceSources();

describe.each((await allKinds()).map((kind) => [kind.type, kind] as const))("%s", (_, kind) => {
  const { name, text, examples } = classOf(kind, sources);
  const args = argsOf(name, sources);

  test("documents every input, and no other", () => {
    expect(args.map((arg) => arg.name).sort()).toEqual(Object.keys(kind.fields).sort());
  });

  test("says what it is, and shows it", () => {
    expect(text).not.toBe("");
    expect(examples.length).toBeGreaterThan(0);
    expect(args.filter((arg) => arg.text === "").map((arg) => arg.name)).toEqual([]);
  });

  test("shows the defaults that it has", () => {
    const shown = args.flatMap((arg) => (arg.default === undefined ? [] : [[arg.name, JSON.parse(arg.default)]]));
    const real = Object.entries(kind.fields).flatMap(([field, schema]) => {
      const parsed = (schema as z.ZodType).safeParse(undefined);
      return parsed.success && parsed.data !== undefined ? [[field, parsed.data]] : [];
    });
    expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(real));
  });
});
