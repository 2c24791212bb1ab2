import { describe, expect, test } from "vitest";
import { type Problem, Problems } from "../../../../infra/provider/problems.ts";
import { file } from "../../../../infra/provider/resources/file.ts";
import { keptAt } from "../../../../infra/provider/resources/kept.ts";
import { LocalFile } from "../../../../infra/provider/step.ts";
import { checked } from "../checked.ts";
import { FakeHost, type Standing } from "../fake-host.ts";

const path = "/etc/motd";
// `printf hello | sha256sum`
const hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const want = { path, content: "hello", owner: "root", group: "root", mode: "0644", adopt: false };
const seen = {
  path,
  type: "file",
  content: "hello",
  sha256: hello,
  owner: "root",
  group: "root",
  mode: "0644",
  kept: false,
};
const made = { adopted: false };
const write = {
  do: "write",
  title: "write /etc/motd",
  path,
  content: "hello",
  owner: "root",
  group: "root",
  mode: "0644",
};

describe("check", () => {
  test("fills in defaults", () => {
    expect(checked(file, { path, content: "hello" })).toEqual(want);
    expect(checked(file, { path, content: "hello", mode: "600" })).toEqual({ ...want, mode: "0600" });
  });

  test.each<[string, object, string[]]>([
    ["nothing", {}, ["path", "content"]],
    ["both content and source", { path, content: "", source: new LocalFile("a", hello) }, ["content"]],
    ["a relative path", { path: "etc/motd", content: "" }, ["path"]],
    ["a path with a way up", { path: "/etc/../motd", content: "" }, ["path"]],
    ["a path with NUL", { path: "/etc/\0", content: "" }, ["path"]],
    [
      "odd words",
      { path, content: "", mode: "999", owner: "-x", group: "a b", validate: [] },
      ["owner", "group", "mode", "validate"],
    ],
    ["more than 1 MiB", { path, content: "æ".repeat(524_289) }, ["content"]],
    ["what it does not know", { path, content: "", permissions: "0644" }, ["permissions"]],
  ])("refuses %s", (_, given, properties) => {
    expect((checked(file, given) as readonly Problem[]).map(({ property }) => property).sort()).toEqual(
      properties.sort(),
    );
  });

  test("a secret is its owner's alone, and never everybody's", () => {
    const secretly = (given: object) => {
      const problems = new Problems([], [["content"]]);
      return { mode: file.check(given, problems).mode, problems: problems.found };
    };
    expect(secretly({ path, content: "x" })).toEqual({ mode: "0600", problems: [] });
    expect(secretly({ path, content: "x", mode: "0640" })).toEqual({ mode: "0640", problems: [] });
    expect(secretly({ path, content: "x", mode: "0644" }).problems).toEqual([
      {
        property: "mode",
        reason: "every account could read the secret in this file with mode 0644; allowed is at most 0660",
      },
    ]);
  });
});

describe("observe", () => {
  const standing = { type: "file", owner: "root", group: "root", mode: "0644", sha256: hello } as const;

  test.each<[string, Readonly<Record<string, Standing>>, object, object | undefined]>([
    ["a file", { [path]: { ...standing, content: "hello" }, [keptAt(path)]: null }, {}, seen],
    ["nothing", { [path]: null, [keptAt(path)]: null }, {}, undefined],
    [
      "bytes that are no text",
      { [path]: { ...standing, content: new Uint8Array([0xff]) }, [keptAt(path)]: null },
      {},
      { path, type: "file", sha256: hello, owner: "root", group: "root", mode: "0644", kept: false },
    ],
    [
      "a copied file, by its hash alone",
      { [path]: { ...standing }, [keptAt(path)]: { ...standing } },
      { source: new LocalFile("/here", hello) },
      {
        path,
        type: "file",
        source: new LocalFile("", hello),
        sha256: hello,
        owner: "root",
        group: "root",
        mode: "0644",
        kept: true,
      },
    ],
  ])("%s", async (_, paths, more, expected) => {
    expect(await file.observe(new FakeHost({ paths, looks: {} }), { path, ...more })).toEqual(expected);
  });
});

describe("plan", () => {
  const chown = { do: "run", title: "give /etc/motd to root:root", argv: ["chown", "--", "root:root", path] };
  const chmod = {
    do: "run",
    title: "set mode 0644 on /etc/motd",
    argv: ["chmod", "--", "0644", path],
    property: "mode",
  };

  test.each<[string, object, object | undefined, object[]]>([
    ["agreement", {}, {}, []],
    ["absent", {}, undefined, [{ ...write, property: "content" }]],
    ["another content", {}, { content: "by hand", sha256: "0" }, [{ ...write, property: "content" }]],
    ["another mode", {}, { mode: "0600" }, [chmod]],
    [
      "another owner: the mode after it, for chown(2) clears bits of it",
      {},
      { owner: "deploy" },
      [{ ...chown, property: "owner" }, chmod],
    ],
    ["another group", {}, { group: "adm" }, [{ ...chown, property: "group" }, chmod]],
    ["a link in its place", {}, { type: "link", sha256: "" }, [{ ...write, property: "content" }]],
    [
      "a validated file",
      { validate: ["visudo", "-cf", "{}"] },
      undefined,
      [{ ...write, validate: ["visudo", "-cf", "{}"], property: "content" }],
    ],
  ])("%s", (_, wanted, standing, steps) => {
    expect(file.plan({ ...want, ...wanted }, standing && { ...seen, ...standing }, made)).toEqual(steps);
  });

  test("a copied file", () => {
    const source = new LocalFile("/here", hello);
    const { content: _, ...rest } = want;
    expect(file.plan({ ...rest, source }, seen, made)).toEqual([]);
    expect(file.plan({ ...rest, source }, undefined, made)).toEqual([
      { ...write, content: source, property: "source" },
    ]);
  });

  test("what is taken over is kept first, once", () => {
    const theirs = { ...seen, content: "theirs", sha256: "0" };
    const titles = (standing: typeof theirs) =>
      file.plan({ ...want, adopt: true }, standing, { adopted: true }).map(({ title }) => title);
    expect(titles(theirs)).toEqual([
      "make the folder for adopted files",
      "keep what stands at /etc/motd",
      "write /etc/motd",
    ]);
    expect(titles({ ...theirs, kept: true })).toEqual(["write /etc/motd"]);
  });
});

test("what is not ours and differs is refused, unless it is to be adopted", () => {
  const theirs = { ...seen, sha256: "0" };
  const refused = (wanted: object, standing: typeof seen | undefined, ours = false) =>
    file.refuse?.({ ...want, ...wanted }, standing, ours)?.why;
  expect(refused({}, theirs)).toBe("/etc/motd exists already, was not made by this program, and differs");
  expect([
    refused({}, seen),
    refused({}, undefined),
    refused({}, theirs, true),
    refused({ adopt: true }, theirs),
  ]).toEqual([undefined, undefined, undefined, undefined]);
  expect(refused({ adopt: true }, { ...theirs, type: "directory" }, true)).toBe("/etc/motd is a directory");
});

test("removal takes what we made, and puts back what we took over, once", () => {
  const titles = (standing: typeof seen, memory?: { adopted: boolean }) =>
    file.remove(standing, memory).map(({ title }) => title);
  expect(titles(seen, made)).toEqual(["remove /etc/motd"]);
  expect(titles(seen)).toEqual(["remove /etc/motd"]);
  expect(titles({ ...seen, kept: true }, { adopted: true })).toEqual(["put back what stood at /etc/motd"]);
  expect(titles(seen, { adopted: true })).toEqual([]);
});

test("remembers what stood there before us, and foresees the hash", () => {
  expect(file.remember?.(want, undefined, undefined)).toEqual({ adopted: false });
  expect(file.remember?.(want, seen, undefined)).toEqual({ adopted: false });
  expect(file.remember?.(want, { ...seen, sha256: "0" }, undefined)).toEqual({ adopted: true });
  expect(file.remember?.(want, { ...seen, sha256: "0" }, made)).toEqual(made);
  expect(file.foresee?.(want)).toEqual({ type: "file", sha256: hello });
  expect([file.named("/etc/motd"), file.named("motd")]).toEqual([{ path: "/etc/motd" }, undefined]);
});
