import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readDeclaration } from "../../../scripts/renew/declarations.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "declarations-"));
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ["with certificates", "config: { 'os2mo-on-prem:https': { acme: { termsAgreed: true } } }", true],
  ["without", "config: { 'os2mo-on-prem:https': {} }", false],
  ["blank inside", "config: { 'os2mo-on-prem:https': { acme: } }", false],
  ["blank", "", false],
  ["with a blank configuration", "config:", false],
])("a stack's file %s", async (_, text, declared) => {
  const file = join(folder, "Pulumi.prod.yaml");
  await writeFile(file, text);
  expect(await readDeclaration(["prod", file])).toEqual({ stack: "prod", file, declared });
});

test.each([
  ["is no YAML", "config: [", /^Pulumi\.wrong\.yaml could not be read: .+/],
  ["is not there", undefined, /^Pulumi\.absent\.yaml could not be read: ENOENT/],
])("one that %s may have certificates: it is told by its name, and stands in no other's way", async (_, text, said) => {
  const file = join(folder, text === undefined ? "Pulumi.absent.yaml" : "Pulumi.wrong.yaml");
  if (text !== undefined) await writeFile(file, text);
  const read = await readDeclaration(["wrong", file]);
  expect(read).toEqual({ stack: "wrong", file, declared: true, problem: expect.stringMatching(said) });
});
