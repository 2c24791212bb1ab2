import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Problems } from "../../../../infra/provider/problems.ts";
import { hold, install, settle, unhold, uninstall } from "../../../../infra/provider/resources/apt.ts";
import { aptPackage } from "../../../../infra/provider/resources/package.ts";
import { FakeHost } from "../fake-host.ts";

const base = { recommends: false, purge: false, lockTimeout: 300 };
const want = { packages: { jq: "installed", tree: "2.1.0-1" }, ...base };
const seen = {
  packages: { jq: "installed", tree: "2.1.0-1" },
  versions: { jq: "1.6-2.1", tree: "2.1.0-1" },
  held: ["tree"],
};
const memory = { absent: ["jq", "tree"], held: ["tree"], purge: false, lockTimeout: 300 };
const how = { patience: 300, recommends: false, downgrades: false };

describe("check", () => {
  test("fills in defaults", () => {
    const problems = new Problems();
    expect(aptPackage.check({ packages: { "libstdc++6:amd64": "1:2.0~rc1-1" } }, problems)).toEqual({
      packages: { "libstdc++6:amd64": "1:2.0~rc1-1" },
      ...base,
    });
    expect(problems.found).toEqual([]);
  });

  test.each([
    "-y",
    "nginx-",
    "a",
    "a b",
    "a;b",
    "$(x)",
    "Nginx",
    "t*e",
    "^tree$",
    "tree/sid",
    "?true",
    "ægir",
    "a\nb",
    "tree=",
  ])("%j is no package name", (name) => {
    const problems = new Problems();
    aptPackage.check({ packages: { [name]: "installed" } }, problems);
    expect(problems.found).toHaveLength(1);
  });

  test.each(["latest", "", "1 2", "1;2", "$(x)", "-1", "1\n"])("%j is no version", (version) => {
    const problems = new Problems();
    aptPackage.check({ packages: { tree: version } }, problems);
    expect(problems.found).toEqual([
      { property: "packages.tree", reason: `must be "installed" or a version; given: ${JSON.stringify(version)}` },
    ]);
  });

  test("reports everything at once", () => {
    const problems = new Problems();
    aptPackage.check({ packages: {}, lockTimeout: -1, purge: "yes" } as never, problems);
    expect(problems.found.map(({ property }) => property)).toEqual(["packages", "purge", "lockTimeout"]);
  });
});

describe("observe", () => {
  const names = ["bash", "bc", "hello", "libc6", "nano", "no-such-package", "tree"];
  const fields = ["Package", "Architecture", "Version", "db:Status-Want", "db:Status-Status", "db:Status-Eflag"];
  const format = `${fields.map((field) => `$\{${field}}`).join("\\t")}\\n`;
  const observe = (distribution: string, packages: Record<string, string>, prior?: Record<string, string>) => {
    const stdout = readFileSync(`test/fixtures/dpkg-query-${distribution}/mixed.txt`, "utf8");
    const looks = { [`dpkg-query -W -f ${format} -- ${names.join(" ")}`]: { code: 1, stdout } };
    return aptPackage.observe(new FakeHost({ looks }), { packages }, prior && { packages: prior });
  };
  const any = Object.fromEntries(names.map((name) => [name, "installed"]));

  test.each([
    ["debian-12", { bash: "5.2.15-2+b13", bc: "1.07.1-3+b1", libc6: "2.36-9+deb12u14", tree: "2.1.0-1" }],
    ["ubuntu-20.04", { bash: "5.0-6ubuntu1.2", bc: "1.07.1-2build1", libc6: "2.31-0ubuntu9.18", tree: "1.8.0-1" }],
  ])("each package by name on %s", async (distribution, versions) => {
    expect(await observe(distribution, any)).toEqual({
      packages: {
        bash: "installed",
        bc: "installed",
        hello: "unpacked",
        libc6: "installed",
        nano: "absent",
        "no-such-package": "absent",
        tree: "installed",
      },
      versions,
      held: ["bc"],
    });
  });

  test("pinned ones by version and hold", async () => {
    const pinned = { ...any, bash: "5.0-1", bc: "1.07.1-3+b1", tree: "2.1.0-1" };
    expect((await observe("debian-12", pinned))?.packages).toMatchObject({
      bash: "5.2.15-2+b13, not on hold",
      bc: "1.07.1-3+b1",
      tree: "2.1.0-1, not on hold",
    });
  });

  test("those that left the program as long as they are there", async () => {
    const seen = await observe("debian-12", { bash: "installed" }, any);
    expect(seen?.packages).toEqual({
      bash: "installed",
      bc: "installed",
      hello: "unpacked",
      libc6: "installed",
      tree: "installed",
    });
  });

  test("the architecture that was asked for, else the one that is installed", async () => {
    const stdout = [
      ["libc6", "i386", "2.36-8", "install", "config-files", "ok"],
      ["libc6", "amd64", "2.36-9", "install", "installed", "ok"],
      ["tree", "amd64", "2", "install", "installed", "reinstreq"],
    ].map((line) => `${line.join("\t")}\n`);
    const looks = { [`dpkg-query -W -f ${format} -- libc6 libc6:i386 tree`]: stdout.join("") };
    const packages = { libc6: "installed", "libc6:i386": "installed", tree: "installed" };
    expect(await aptPackage.observe(new FakeHost({ looks }), { packages })).toEqual({
      packages: { libc6: "installed", "libc6:i386": "absent", tree: "installed, must be installed again" },
      versions: { libc6: "2.36-9" },
      held: [],
    });
  });
});

test.each([
  ["in agreement", want, seen, memory, []],
  [
    "not seen",
    want,
    undefined,
    memory,
    [settle(300), install(["jq", "tree=2.1.0-1"], { ...how, downgrades: true }), hold(["tree"])],
  ],
  [
    "one absent",
    want,
    { ...seen, packages: { ...seen.packages, jq: "absent" }, versions: { tree: "2.1.0-1" } },
    memory,
    [settle(300), install(["jq"], how)],
  ],
  [
    "one half-configured",
    want,
    { ...seen, packages: { ...seen.packages, jq: "half-configured" }, versions: { tree: "2.1.0-1" } },
    memory,
    [settle(300), install(["jq"], how)],
  ],
  [
    "another version than the pinned one",
    want,
    { ...seen, versions: { ...seen.versions, tree: "2.2" } },
    memory,
    [settle(300), unhold(["tree"]), install(["tree=2.1.0-1"], { ...how, downgrades: true }), hold(["tree"])],
  ],
  ["the pinned version without hold", want, { ...seen, held: [] }, memory, [hold(["tree"])]],
  ["no longer pinned", { ...want, packages: { jq: "installed", tree: "installed" } }, seen, memory, [unhold(["tree"])]],
  [
    "put on hold by others",
    { ...want, packages: { jq: "installed", tree: "installed" } },
    seen,
    { ...memory, held: [] },
    [],
  ],
  [
    "dropped",
    { ...want, packages: { jq: "installed" }, purge: true },
    seen,
    memory,
    [settle(300), unhold(["tree"]), uninstall(["tree"], true)],
  ],
  [
    "dropped, and there before us",
    { ...want, packages: { jq: "installed" } },
    seen,
    { ...memory, absent: [], held: [] },
    [],
  ],
])("plans for packages %s", (_, want, seen, memory, steps) => {
  expect(aptPackage.plan(want as never, seen as never, memory)).toEqual(steps);
});

test("commands are words, apt asks nothing and waits for locks", () => {
  const { argv, ...rest } = install(["jq", "tree=2.1.0-1"], { patience: 60, recommends: true, downgrades: true });
  expect(argv.toSpliced(2, 1)).toEqual([
    ...["perl", "-e", "--", "--yes", "--quiet", "-o", "DPkg::Lock::Timeout=60", "-o", "Dpkg::Use-Pty=0"],
    ...["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"],
    ...["--install-recommends", "--allow-downgrades", "--", "jq", "tree=2.1.0-1"],
  ]);
  expect(rest).toEqual({
    do: "run",
    title: "install jq, tree=2.1.0-1",
    property: "packages",
    env: { DEBIAN_FRONTEND: "noninteractive", APT_LISTCHANGES_FRONTEND: "none" },
    deadline: 1800,
    survives: true,
  });
  expect(uninstall(["jq"], false).argv).toEqual(["dpkg", "--remove", "--", "jq"]);
  expect(settle(60)).toMatchObject({ deadline: 660, survives: true });
});

test("remembers what was absent and what we hold", () => {
  expect(aptPackage.remember?.(want, undefined, undefined)).toEqual(memory);
  expect(aptPackage.remember?.(want, seen, undefined)).toEqual({ ...memory, absent: [], held: [] });
  expect(aptPackage.remember?.({ ...want, packages: { bc: "installed" } }, seen, memory)).toEqual({
    ...memory,
    absent: ["bc", "jq", "tree"],
  });
  expect(
    aptPackage.remember?.({ ...want, packages: { jq: "installed" } }, { packages: {}, versions: {}, held: [] }, memory),
  ).toEqual({ ...memory, absent: ["jq"], held: [] });
});

test.each([
  ["what we installed", seen, memory, [unhold(["tree"]), settle(300), uninstall(["jq", "tree"], false)]],
  [
    "with configuration",
    seen,
    { ...memory, absent: ["jq"], held: [], purge: true },
    [settle(300), uninstall(["jq"], true)],
  ],
  ["nothing that was there before", seen, { ...memory, absent: [], held: [] }, []],
  ["nothing that was imported", seen, undefined, []],
  ["nothing that is gone", { packages: {}, versions: {}, held: [] }, memory, []],
])("removes %s", (_, seen, memory, steps) => {
  expect(aptPackage.remove(seen as never, memory)).toEqual(steps);
});

test("is imported by names", () => {
  expect(aptPackage.id?.(want)).toBe("jq,tree");
  expect(aptPackage.named("jq,tree=2.1.0-1")).toEqual({ packages: { jq: "installed", tree: "2.1.0-1" } });
  expect(aptPackage.named("jq,-y")).toBeUndefined();
});
