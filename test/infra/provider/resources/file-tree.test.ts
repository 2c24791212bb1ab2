import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Problems } from "../../../../infra/provider/problems.ts";
import { fileTree } from "../../../../infra/provider/resources/file-tree.ts";
import { keptAt, keptFolder } from "../../../../infra/provider/resources/kept.ts";
import { LocalFile, run, write } from "../../../../infra/provider/step.ts";
import { FakeHost, type Standing } from "../fake-host.ts";

const path = "/etc/app";
const root = { owner: "root", group: "root" };
const file = { ...root, mode: "0644" };
const folder = { ...root, mode: "0755" };
const want = {
  path,
  files: { "app.conf": { content: "a\n", ...file }, "conf.d/b.conf": { content: "b\n", ...file } },
  ...file,
  directoryMode: "0755",
  purge: [],
  adopt: false,
};
const seen = {
  path,
  files: want.files,
  directories: { ".": folder, "conf.d": folder },
  spent: [],
  kept: [],
  unfamiliar: [],
};
const made = { made: [".", "conf.d"], adopted: [] };
const files = { property: "files" };

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const text = (content: string, more = {}): Standing => ({ content, sha256: sha256(content), ...more });
const isDirectory = { type: "directory", mode: "0755" } as const;
const agreeing: Record<string, Standing> = {
  [keptFolder]: null,
  [path]: isDirectory,
  [`${path}/app.conf`]: text("a\n"),
  [`${path}/conf.d`]: isDirectory,
  [`${path}/conf.d/b.conf`]: text("b\n"),
};

describe("check", () => {
  test("fills in the tree's defaults at each file", () => {
    const problems = new Problems();
    const given = { path, files: { a: { content: "" }, b: { content: "", mode: "600", owner: "b" } }, group: "app" };
    expect(fileTree.check(given as never, problems)).toEqual({
      path,
      files: {
        a: { content: "", owner: "root", group: "app", mode: "0644" },
        b: { content: "", owner: "b", group: "app", mode: "0600" },
      },
      owner: "root",
      group: "app",
      mode: "0644",
      directoryMode: "0755",
      purge: [],
      adopt: false,
    });
    expect(problems.found).toEqual([]);
  });

  test("reports everything at once, by file", () => {
    const problems = new Problems();
    const bad = { "../a": { content: "" }, b: {}, "b/c": { content: "", mode: "x" }, d: { content: "", colour: 1 } };
    fileTree.check({ path: "/", files: bad, purge: ["/etc/*"] } as never, problems);
    expect(problems.found.map(({ property }) => property)).toEqual([
      "path",
      'files["b/c"].mode',
      "files.d.colour",
      "purge[0]",
    ]);
    const more = new Problems();
    fileTree.check({ path, files: { "../a": { content: "" }, b: {}, "b/c": { content: "" } } } as never, more);
    expect(more.found).toEqual([
      { property: 'files["../a"]', reason: "the path must be relative, without '.', '..' or an empty part" },
      { property: "files.b", reason: "exactly one of content and source must be given" },
      { property: 'files["b/c"]', reason: "the file b stands where a directory is needed" },
    ]);
  });
});

describe("observe", () => {
  const observe = (paths: Record<string, Standing>, wanted = want, prior?: object) =>
    fileTree.observe(new FakeHost({ paths: { [keptFolder]: null, ...paths } }), wanted as typeof want, prior);

  test("no root", async () => {
    expect(await observe({ [path]: null })).toBeUndefined();
  });

  test("agreement", async () => {
    expect(await observe(agreeing)).toEqual(seen);
  });

  test("differences, each at its file", async () => {
    const paths = {
      ...agreeing,
      [`${path}/app.conf`]: text("by hand\n", { mode: "0666" }),
      [`${path}/conf.d/b.conf`]: { type: "link", mode: "0777", target: "/dev/null" } as const,
      [`${path}/other`]: text("not ours"),
    };
    expect(await observe(paths)).toEqual({
      ...seen,
      files: {
        "app.conf": { content: "by hand\n", ...root, mode: "0666" },
        "conf.d/b.conf": { type: "link", ...root, mode: "0777" },
      },
    });
  });

  test("bytes that are no text have no content", async () => {
    const paths = { ...agreeing, [`${path}/app.conf`]: { content: new Uint8Array([0xff]), sha256: "ff" } };
    expect((await observe(paths))?.files["app.conf"]).toEqual(file);
  });

  test("a local file by its hash", async () => {
    const wanted = { ...want, files: { "app.conf": { source: new LocalFile("a.conf", sha256("x")), ...file } } };
    expect((await observe(agreeing, wanted as never))?.files).toEqual({
      "app.conf": { source: new LocalFile("", sha256("a\n")), ...file },
    });
  });

  test("strangers that must not be there; a directory only when all in it goes", async () => {
    const paths = {
      ...agreeing,
      [`${path}/conf.d/evil.conf`]: text("x"),
      [`${path}/conf.d/all`]: isDirectory,
      [`${path}/conf.d/all/x.conf`]: text("x"),
      [`${path}/conf.d/part`]: isDirectory,
      [`${path}/conf.d/part/x.txt`]: text("x"),
      [`${path}/evil.conf`]: text("x"),
    };
    const strangers = (await observe(paths, { ...want, purge: ["conf.d/**/*.conf", "conf.d/*"] } as never))?.files;
    expect(strangers).toEqual({
      ...want.files,
      "conf.d/all": { stranger: "directory" },
      "conf.d/all/x.conf": { stranger: "file" },
      "conf.d/evil.conf": { stranger: "file" },
    });
  });

  test("what the last update wanted and this one does not", async () => {
    const wanted = { ...want, files: { "app.conf": want.files["app.conf"] } };
    const prior = { files: { ...want.files, "conf.d/stranger": { stranger: "file" } } };
    const paths = { ...agreeing, [`${path}/conf.d/stranger`]: text("not ours") };
    expect(await observe(agreeing, wanted as never, prior)).toEqual({ ...seen, spent: ["conf.d"] });
    expect(await observe(paths, wanted as never, prior)).toEqual({ ...seen, directories: { ".": folder } });
  });

  test("what this update wants for the first time and stands there already", async () => {
    const prior = { files: { "app.conf": want.files["app.conf"] } };
    const paths = { ...agreeing, [`${path}/conf.d/b.conf`]: text("theirs") };
    expect((await observe(paths, want, prior))?.unfamiliar).toEqual(["conf.d/b.conf"]);
    expect((await observe(agreeing, want, prior))?.unfamiliar).toEqual([]);
  });

  test("copies of what was taken over", async () => {
    const copy = keptAt(`${path}/app.conf`);
    const paths = { ...agreeing, [keptFolder]: isDirectory, [copy]: text("before us") };
    expect((await observe(paths))?.kept).toEqual(["app.conf"]);
  });

  test("everything, for import", async () => {
    const host = new FakeHost({ paths: agreeing });
    expect(await fileTree.observe(host, { path })).toEqual({ ...seen, directories: { ".": folder } });
  });
});

describe("plan", () => {
  const writeA = write(`write ${path}/app.conf`, { path: `${path}/app.conf`, content: "a\n", ...file, ...files });
  const writeB = write(`write ${path}/conf.d/b.conf`, {
    path: `${path}/conf.d/b.conf`,
    content: "b\n",
    ...file,
    ...files,
  });
  const both = [path, `${path}/conf.d`];
  const { "app.conf": a, "conf.d/b.conf": b } = want.files;

  test.each([
    ["in agreement", want, seen, made, []],
    [
      "absent",
      want,
      undefined,
      made,
      [
        run(`make ${both.join(", ")}`, ["mkdir", "-m", "0700", "--", ...both], files),
        run(`give ${both.join(", ")} to root:root`, ["chown", "-h", "--", "root:root", ...both], {
          property: "directoryMode",
        }),
        run(`set mode 0755 on ${both.join(", ")}`, ["chmod", "--", "00755", ...both], { property: "directoryMode" }),
        writeA,
        writeB,
      ],
    ],
    [
      "another content",
      want,
      { ...seen, files: { "app.conf": { ...a, content: "x" }, "conf.d/b.conf": b } },
      made,
      [writeA],
    ],
    ["a link", want, { ...seen, files: { "app.conf": a, "conf.d/b.conf": { ...file, type: "link" } } }, made, [writeB]],
    [
      "other owners and modes",
      want,
      { ...seen, files: { "app.conf": { ...a, group: "www" }, "conf.d/b.conf": { ...b, mode: "0600" } } },
      made,
      [
        run(`give ${path}/app.conf to root:root`, ["chown", "-h", "--", "root:root", `${path}/app.conf`], files),
        run(
          `set mode 0644 on ${path}/app.conf, ${path}/conf.d/b.conf`,
          ["chmod", "--", "00644", `${path}/app.conf`, `${path}/conf.d/b.conf`],
          files,
        ),
      ],
    ],
    [
      "a directory of ours with another mode",
      want,
      { ...seen, directories: { ".": folder, "conf.d": { ...folder, mode: "0777" } } },
      made,
      [
        run(`set mode 0755 on ${path}/conf.d`, ["chmod", "--", "00755", `${path}/conf.d`], {
          property: "directoryMode",
        }),
      ],
    ],
    [
      "a directory of others with another mode",
      want,
      { ...seen, directories: { ".": folder, "conf.d": { ...folder, mode: "0777" } } },
      { made: [], adopted: [] },
      [],
    ],
    [
      "strangers",
      want,
      {
        ...seen,
        files: {
          ...want.files,
          d: { stranger: "directory" },
          "d/e": { stranger: "directory" },
          "d/f": { stranger: "other" },
        },
      },
      made,
      [
        run(`remove ${path}/d/f`, ["rm", "-f", "--", `${path}/d/f`], files),
        run(
          `remove ${path}/d/e, ${path}/d`,
          ["rmdir", "--ignore-fail-on-non-empty", "--", `${path}/d/e`, `${path}/d`],
          files,
        ),
      ],
    ],
    [
      "a dropped file and its directory",
      { ...want, files: { "app.conf": a } },
      { ...seen, spent: ["conf.d"] },
      made,
      [
        run(`remove ${path}/conf.d/b.conf`, ["rm", "-f", "--", `${path}/conf.d/b.conf`], files),
        run(`remove ${path}/conf.d`, ["rmdir", "--ignore-fail-on-non-empty", "--", `${path}/conf.d`], files),
      ],
    ],
    [
      "another's directory that is empty now",
      { ...want, files: { "app.conf": a } },
      { ...seen, files: { "app.conf": a }, spent: ["conf.d"] },
      { made: ["."], adopted: [] },
      [],
    ],
    [
      "what is taken over",
      want,
      { ...seen, files: { "app.conf": { ...a, content: "theirs" }, "conf.d/b.conf": b } },
      { made: [], adopted: ["app.conf"] },
      [
        run("make the folder for adopted files", ["install", "-d", "-m", "0700", "--", keptFolder], files),
        run(
          `keep what stands at ${path}/app.conf`,
          ["cp", "-aT", "--", `${path}/app.conf`, keptAt(`${path}/app.conf`)],
          files,
        ),
        writeA,
      ],
    ],
    [
      "what was taken over and has changed",
      want,
      { ...seen, kept: ["app.conf"], files: { "app.conf": { ...a, content: "x" }, "conf.d/b.conf": b } },
      { made: [], adopted: ["app.conf"] },
      [writeA],
    ],
    [
      "a dropped file that was taken over",
      { ...want, files: { "conf.d/b.conf": b } },
      { ...seen, kept: ["app.conf"] },
      { made: [], adopted: ["app.conf"] },
      [
        run(
          `put back what stood at ${path}/app.conf`,
          ["mv", "-fT", "--", keptAt(`${path}/app.conf`), `${path}/app.conf`],
          files,
        ),
      ],
    ],
    [
      "a dropped file that was put back",
      { ...want, files: { "conf.d/b.conf": b } },
      seen,
      { made: [], adopted: ["app.conf"] },
      [],
    ],
  ])("%s", (_, want, seen, memory, steps) => {
    expect(fileTree.plan(want as never, seen as never, memory)).toEqual(steps);
  });

  test("six hundred files take little time", () => {
    const many = Object.fromEntries(
      Array.from({ length: 600 }, (_, index) => [`d/${index}.conf`, { content: "x", ...file }]),
    );
    const began = performance.now();
    expect(fileTree.plan({ ...want, files: many }, undefined, made)).toHaveLength(603);
    expect(performance.now() - began).toBeLessThan(200);
  });
});

describe("remove", () => {
  test.each([
    [
      "our files, then our directories if they are empty",
      { ...seen, files: { ...want.files, x: { stranger: "file" }, y: { ...file, type: "link" } } },
      made,
      [
        run(
          `remove ${path}/app.conf, ${path}/conf.d/b.conf`,
          ["rm", "-f", "--", `${path}/app.conf`, `${path}/conf.d/b.conf`],
          files,
        ),
        run(
          `remove ${path}/conf.d, ${path}`,
          ["rmdir", "--ignore-fail-on-non-empty", "--", `${path}/conf.d`, path],
          files,
        ),
      ],
    ],
    [
      "what stood there before is put back, once",
      { ...seen, kept: ["app.conf"] },
      { made: [], adopted: ["app.conf", "conf.d/b.conf"] },
      [
        run(
          `put back what stood at ${path}/app.conf`,
          ["mv", "-fT", "--", keptAt(`${path}/app.conf`), `${path}/app.conf`],
          files,
        ),
      ],
    ],
    ["nothing of ours left", { ...seen, files: {}, directories: { ".": folder } }, { made: [], adopted: [] }, []],
  ])("%s", (_, seen, memory, steps) => {
    expect(fileTree.remove(seen as never, memory)).toEqual(steps);
  });
});

describe("refuse", () => {
  const other = { ...seen, files: { "app.conf": { content: "theirs", ...file } } };
  test.each([
    ["nothing there", want, undefined, false, undefined],
    ["what agrees", want, seen, false, undefined],
    ["ours that differs", want, other, true, undefined],
    ["another's, adopted", { ...want, adopt: true }, other, false, undefined],
    [
      "another's",
      want,
      other,
      false,
      `below ${path} there are files that were not made by this program and differ: app.conf`,
    ],
    [
      "another's, at an update",
      want,
      { ...seen, unfamiliar: ["app.conf"] },
      true,
      `below ${path} there are files that were not made by this program and differ: app.conf`,
    ],
    [
      "a root that is a link",
      want,
      { ...seen, directories: { ".": { type: "link", ...folder } } },
      true,
      `${path} should be a directory and is a link`,
    ],
    [
      "a directory at a file's place",
      want,
      { ...seen, files: { "app.conf": { type: "directory", ...folder } } },
      true,
      `${path}/app.conf is a directory`,
    ],
    [
      "a file that makes room for a directory",
      want,
      {
        ...seen,
        directories: { ".": folder, "conf.d": { type: "file", ...file } },
        files: { "conf.d": { content: "", ...file } },
      },
      true,
      undefined,
    ],
  ])("%s", (_, want, seen, ours, why) => {
    expect(fileTree.refuse?.(want as never, seen as never, ours)?.why).toBe(why);
  });
});

test("remembers what we made and what we took over, and adds to it", () => {
  expect(fileTree.remember?.(want, undefined, undefined)).toEqual(made);
  const other = {
    ...seen,
    directories: { ".": folder },
    files: { constructor: file, "app.conf": { content: "x", ...file } },
  };
  expect(fileTree.remember?.(want, other as never, undefined)).toEqual({ made: ["conf.d"], adopted: ["app.conf"] });
  expect(
    fileTree.remember?.(want, { ...seen, unfamiliar: ["conf.d/b.conf"] }, { made: ["."], adopted: ["x"] }),
  ).toEqual({
    made: ["."],
    adopted: ["conf.d/b.conf", "x"],
  });
});

test("a file may be called like a property of every object", () => {
  const files = JSON.parse('{"constructor": {"content": "x"}, "toString/valueOf": {"content": "y"}}');
  const problems = new Problems();
  const wanted = fileTree.check({ path, files }, problems);
  expect(problems.found).toEqual([]);
  expect(fileTree.refuse?.(wanted, { ...seen, files: {} }, false)).toBeUndefined();
  expect(
    fileTree.plan(wanted, { ...seen, files: {}, directories: { ".": folder } }, made).map(({ title }) => title),
  ).toEqual([
    `make ${path}/toString`,
    `give ${path}/toString to root:root`,
    `set mode 0755 on ${path}/toString`,
    `write ${path}/constructor`,
    `write ${path}/toString/valueOf`,
  ]);
});
