import { describe, expect, test } from "vitest";
import { Problems } from "../../../../infra/provider/problems.ts";
import { directory } from "../../../../infra/provider/resources/directory.ts";
import { run } from "../../../../infra/provider/step.ts";
import { FakeHost } from "../fake-host.ts";

const path = "/srv/data";
const want = { path, owner: "app", group: "www", mode: "2750", adopt: false, removeContents: false, shared: false };
const seen = { path, type: "directory", owner: "app", group: "www", mode: "2750" };

const mkdir = run(`make the directory ${path}`, ["mkdir", "-m", "0700", "--", path], { property: "path" });
const chown = run(`give ${path} to app:www`, ["chown", "-h", "--", "app:www", path], { property: "owner" });
const chmod = run(`set mode 2750 on ${path}`, ["chmod", "--", "02750", path], { property: "mode" });
const rmdir = run(`remove ${path}, which must be empty unless removeContents is true,`, ["rmdir", "--", path]);

describe("check", () => {
  test("fills in defaults", () => {
    const problems = new Problems();
    expect(directory.check({ path, mode: "750" }, problems)).toEqual({
      path,
      owner: "root",
      group: "root",
      mode: "0750",
      adopt: false,
      removeContents: false,
      shared: false,
    });
    expect(problems.found).toEqual([]);
  });

  test("reports everything at once", () => {
    const problems = new Problems();
    directory.check({ path: "/", owner: "-R", mode: "999", colour: "red" } as never, problems);
    expect(problems.found.map(({ property }) => property)).toEqual(["colour", "path", "owner", "mode"]);
  });
});

test.each([
  ["nothing", { [path]: null }, undefined],
  ["a directory", { [path]: { type: "directory" as const, owner: "app", group: "www", mode: "2750" } }, seen],
  [
    "a link",
    { [path]: { type: "link" as const, mode: "0777" } },
    { path, type: "link", owner: "root", group: "root", mode: "0777" },
  ],
])("sees %s", async (_, paths, expected) => {
  expect(await directory.observe(new FakeHost({ paths }), want)).toEqual(expected);
});

test.each([
  ["absent", undefined, [mkdir, chown, chmod]],
  ["in agreement", seen, []],
  ["another owner", { ...seen, owner: "root" }, [chown]],
  ["another group", { ...seen, group: "root" }, [{ ...chown, property: "group" }]],
  ["another mode", { ...seen, mode: "0750" }, [chmod]],
  ["all of it", { ...seen, owner: "root", group: "root", mode: "0777" }, [chown, chmod]],
])("plans for what is %s", (_, seen, steps) => {
  expect(directory.plan(want, seen)).toEqual(steps);
});

describe("refuse", () => {
  const other = { ...seen, mode: "0777" };
  test.each([
    [
      "a link, even ours",
      want,
      { ...seen, type: "link" },
      true,
      { why: `${path} exists already and is no directory but a link` },
    ],
    ["a directory that agrees", want, seen, false, undefined],
    ["ours that differs", want, other, true, undefined],
    ["another's, adopted", { ...want, adopt: true }, other, false, undefined],
    ["nothing there", want, undefined, false, undefined],
  ])("%s", (_, want, seen, ours, expected) => {
    expect(directory.refuse?.(want, seen, ours)).toEqual(expected);
  });

  test("another's that differs names adopt", () => {
    expect(directory.refuse?.(want, other, false)?.remedy).toContain("adopt: true");
  });
});

describe("remember and remove", () => {
  const before = { owner: "root", group: "root", mode: "0755" };
  test("remembers what stood there, once", () => {
    expect(directory.remember?.(want, undefined, undefined)).toEqual({ removeContents: false, shared: false });
    expect(directory.remember?.(want, { ...seen, ...before }, undefined)).toEqual({
      before,
      removeContents: false,
      shared: false,
    });
    expect(directory.remember?.({ ...want, removeContents: true }, seen, { removeContents: false })).toEqual({
      removeContents: true,
      shared: false,
    });
    expect(directory.remember?.(want, seen, { before, removeContents: true })).toEqual({
      before,
      removeContents: false,
      shared: false,
    });
  });

  test.each([
    ["ours", seen, { removeContents: false }, [rmdir]],
    ["imported", seen, undefined, [rmdir]],
    [
      "one that others use, too",
      seen,
      { removeContents: false, shared: true },
      [run(`remove ${path} if it is empty`, ["rmdir", "--ignore-fail-on-non-empty", "--", path])],
    ],
    ["a file that took its place", { ...seen, type: "file" }, { removeContents: true }, []],
    [
      "ours with contents",
      seen,
      { removeContents: true },
      [run(`remove ${path} and what it holds`, ["rm", "-rf", "--one-file-system", "--", path], { deadline: 600 })],
    ],
    [
      "what was there before",
      seen,
      { before, removeContents: true },
      [
        run(`give ${path} to root:root`, ["chown", "-h", "--", "root:root", path], { property: "owner" }),
        run(`set mode 0755 on ${path}`, ["chmod", "--", "00755", path], { property: "mode" }),
      ],
    ],
    ["what was put back already", { ...seen, ...before }, { before, removeContents: true }, []],
  ])("%s", (_, seen, memory, steps) => {
    expect(directory.remove(seen, memory)).toEqual(steps);
  });
});

test("imports by path", () => {
  expect(directory.named(path)).toEqual({ path });
  expect(directory.named("data")).toBeUndefined();
});
