import { expect, test } from "vitest";
import { driftedPath, wantedFiles } from "../../../scripts/bench/work.ts";

test("every file has a name and a content of its own, and three kinds of attributes take turns", () => {
  const files = wantedFiles(600, "original");
  expect(new Set(files.map(({ name }) => name)).size).toBe(600);
  expect(new Set(files.map(({ content }) => content)).size).toBe(600);
  expect(new Set(files.map(({ owner, group, mode }) => `${owner}:${group} ${mode}`))).toEqual(
    new Set(["root:root 0644", "root:adm 0640", "deploy:deploy 0600"]),
  );
});

test.each([1, 5, 20])("the change is in one of %i files, in its content alone", (count) => {
  const [before, after] = [wantedFiles(count, "original"), wantedFiles(count, "changed")];
  const changed = after.filter((file, index) => file.content !== before[index]?.content);
  expect(changed).toHaveLength(1);
  expect(after.map(({ content: _, ...file }) => file)).toEqual(before.map(({ content: _, ...file }) => file));
});

test("what is altered by hand is one of the files, and another than the one that changes", () => {
  const path = driftedPath(20);
  const files = wantedFiles(20, "original");
  const drifted = files.findIndex(({ name }) => path === `/etc/bench/${name}`);
  expect(drifted).toBeGreaterThanOrEqual(0);
  expect(wantedFiles(20, "changed")[drifted]).toEqual(files[drifted]);
});
