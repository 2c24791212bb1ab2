import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Problems } from "../../../../infra/provider/problems.ts";
import { keptAt, keptFolder } from "../../../../infra/provider/resources/kept.ts";
import {
  act,
  compare,
  daemonReload,
  systemctl,
  writeUnitFile,
} from "../../../../infra/provider/resources/systemctl.ts";
import { systemdUnit } from "../../../../infra/provider/resources/systemd-unit.ts";
import { run } from "../../../../infra/provider/step.ts";
import { FakeHost, type Standing } from "../fake-host.ts";

const name = "app.service";
const folder = "/etc/systemd/system";
const unit = "[Service]\nExecStart=/bin/sleep infinity\n\n[Install]\nWantedBy=multi-user.target\n";
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const one = sha256("one");
const unread = `${one} (the running unit has not read it yet)`;
const base = { dropIns: {}, reads: {}, onChange: "restart" as const, adopt: false, timeout: 120 };
const want = {
  name,
  unit,
  enabled: true,
  running: true,
  ...base,
  dropIns: { nice: "[Service]\nNice=7\n" },
  reads: { "/etc/app": one },
};
const seen = {
  name,
  unit,
  dropIns: want.dropIns,
  enabled: true,
  running: true,
  masked: false,
  reads: want.reads,
  unitFileState: "enabled",
  outdated: [],
  needsReload: false,
  kept: [],
  unfamiliar: [],
};
const files = ["app.service", "app.service.d/nice.conf"];
const memory = { existed: false, before: { enabled: false, running: false }, written: files, adopted: [] };

describe("check", () => {
  const found = (given: object) => {
    const problems = new Problems();
    systemdUnit.check(given, problems);
    return problems.found.map(({ property }) => property);
  };

  test("fills in defaults and leaves out what is not asked for", () => {
    const problems = new Problems();
    expect(systemdUnit.check({ name }, problems)).toEqual({ name, ...base });
    expect(problems.found).toEqual([]);
  });

  test.each([
    "app",
    "app.conf",
    "a b.service",
    "$(x).service",
    "app/x.service",
    "app.service\n",
    "@.service",
    "*.service",
    "æ.service",
    ".service",
  ])("%j is no unit name", (bad) => {
    expect(found({ name: bad })).toEqual(["name"]);
  });

  test.each(["--help.service", "wg-quick@wg0.service", "dev-disk\\x2dx.swap", "a:b.timer"])("%j is one", (good) => {
    expect(found({ name: good })).toEqual([]);
  });

  test.each([
    ["names of drop-ins", { name, dropIns: { "x.conf": "a", "../x": "a", "-x": "a", x: "" } }, ["dropIns.x"]],
    ["paths of drop-ins", { name, dropIns: { "x.conf": "a", "../x": "a" } }, ['dropIns["x.conf"]', 'dropIns["../x"]']],
    ["what it reads", { name, reads: { etc: one } }, ["reads.etc"]],
    ["hashes", { name, reads: { "/etc/x": "abc" } }, ['reads["/etc/x"]']],
    ["enabled without [Install]", { name, unit: "[Service]\n", enabled: true }, ["enabled"]],
    ["a running template", { name: "app@.service", running: true }, ["running"]],
    ["masked and running", { name, masked: true, running: true }, ["masked"]],
    [
      "everything at once",
      { name: "x", onChange: "stop", timeout: 0, colour: 1 },
      ["colour", "name", "onChange", "timeout"],
    ],
  ])("%s", (_, given, properties) => {
    expect(found(given)).toEqual(properties);
  });
});

describe("observe", () => {
  const observe = (
    show: string,
    {
      paths = {},
      wanted = { ...base, name },
      prior,
    }: { paths?: Record<string, Standing>; wanted?: object; prior?: object } = {},
  ) => {
    const { name: unitName } = wanted as { name: string };
    const fields = "Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload,InvocationID";
    const host = new FakeHost({
      looks: {
        [`systemctl show -p ${fields} -- ${unitName}`]: readFileSync(`test/fixtures/systemctl-${show}.txt`, "utf8"),
      },
      paths: {
        [`${folder}/${unitName}`]: null,
        [`${folder}/${unitName}.d`]: null,
        [`/run/onprem/units/${unitName}`]: null,
        [`/run/systemd/units/invocation:${unitName}`]: null,
        [keptFolder]: null,
        ...paths,
      },
    });
    return systemdUnit.observe(host, wanted, prior);
  };
  const invocation = "a7772a91bc834603a651e2027e4b9b6d";
  const started = { type: "link", target: invocation, mtime: 1000 } as const;
  const text = (content: string, mtime = 0): Standing => ({ content, sha256: sha256(content), mtime });
  const unmanaged = {
    name: "",
    dropIns: {},
    enabled: false,
    masked: false,
    reads: {},
    outdated: [],
    needsReload: false,
    kept: [],
    unfamiliar: [],
  };

  test.each(["debian-12", "ubuntu-20.04"])("what a package brings, on %s", async (distribution) => {
    const of = (unitName: string) => ({ wanted: { ...base, name: unitName } });
    const timer = "systemd-tmpfiles-clean.timer";
    expect(await observe(`${distribution}/show-timer`, of(timer))).toEqual({
      ...unmanaged,
      name: timer,
      unitFileState: "static",
    });
    expect(await observe(`${distribution}/show-not-found`, of("no-such.service"))).toBeUndefined();
    expect(await observe(`${distribution}/show-masked`, of("e2scrub_all.timer"))).toEqual({
      ...unmanaged,
      name: "e2scrub_all.timer",
      masked: true,
      unitFileState: "masked",
    });
    expect(await observe(`${distribution}/show-alias`, of("dbus-org.freedesktop.login1.service"))).toEqual({
      ...unmanaged,
      name: "dbus-org.freedesktop.login1.service",
      aliasOf: "systemd-logind.service",
      unitFileState: "static",
    });
  });

  test("ours, with its files", async () => {
    const paths = {
      [`${folder}/${name}`]: text(unit),
      [`${folder}/${name}.d`]: { type: "directory" } as const,
      [`${folder}/${name}.d/nice.conf`]: text(want.dropIns.nice),
      [`${folder}/${name}.d/override.conf`]: text("theirs"),
      "/etc/app": text("one"),
      [keptFolder]: { type: "directory" } as const,
      [keptAt(`${folder}/${name}`)]: text("before"),
    };
    expect(await observe("debian-12/show-changed", { paths, wanted: want })).toEqual({
      ...seen,
      needsReload: true,
      kept: [name],
    });
    expect(await observe("debian-12/show-stopped", { paths, wanted: want })).toMatchObject({
      running: false,
      reads: { "/etc/app": one },
    });
  });

  test("ours, without its files", async () => {
    const paths = { "/etc/app": null };
    expect(await observe("debian-12/show-changed", { paths, wanted: want })).toMatchObject({
      unit: "",
      dropIns: {},
      reads: { "/etc/app": "absent" },
    });
  });

  test("a file that is new in this update and stands there already", async () => {
    const paths = { [`${folder}/${name}`]: text("theirs"), "/etc/app": text("one") };
    const prior = { name, dropIns: {} };
    expect(await observe("debian-12/show-changed", { paths, wanted: want, prior })).toMatchObject({
      unfamiliar: [name],
    });
  });

  test("a file that has left the program", async () => {
    const paths = { [`${folder}/${name}`]: text(unit) };
    const wanted = { ...base, name };
    expect(await observe("debian-12/show-changed", { paths, wanted, prior: { name, unit } })).toMatchObject({ unit });
    expect(await observe("debian-12/show-changed", { paths, wanted })).not.toHaveProperty("unit");
  });

  test("everything, for import", async () => {
    const paths = {
      [`${folder}/${name}`]: text(unit),
      [`${folder}/${name}.d/x.conf`]: text("x"),
      [`${folder}/${name}.d`]: { type: "directory" } as const,
    };
    expect(await observe("debian-12/show-changed", { paths, wanted: { name } })).toMatchObject({
      unit,
      dropIns: { x: "x" },
      enabled: true,
      running: true,
    });
  });

  describe("what the running unit has read", () => {
    const stamp = (of: string, content: string): Standing => ({ content: `${of}\n${sha256(content)}  /etc/app\0` });
    test.each([
      ["by our stamp", stamp(invocation, "one"), text("one", 2000), started, one],
      ["not, by our stamp, whatever the time", stamp(invocation, "zero"), text("one", 0), started, unread],
      ["before its start by others", stamp("another", "zero"), text("one", 1000), started, one],
      ["not, after its start by others", stamp("another", "one"), text("one", 1001), started, unread],
      ["before the boot started it", null, text("one", 999), started, one],
      ["not, since the boot started it", null, text("one", 1001), started, unread],
      ["before it failed to be a service", null, text("one", 1001), null, one],
    ])("%s", async (_, stampFile, file, link, expected) => {
      const paths = {
        [`/run/onprem/units/${name}`]: stampFile,
        [`/run/systemd/units/invocation:${name}`]: link,
        "/etc/app": file,
      };
      const found = await observe("debian-12/show-changed", { paths, wanted: want });
      expect(found?.reads).toEqual({ "/etc/app": expected });
    });

    test("includes its own files", async () => {
      const paths = {
        [`${folder}/${name}`]: text(unit, 1001),
        [`/run/systemd/units/invocation:${name}`]: started,
        "/etc/app": text("one"),
      };
      expect(await observe("debian-12/show-changed", { paths, wanted: want })).toMatchObject({ outdated: [name] });
    });
  });
});

describe("plan", () => {
  const reads = [...files.map((file) => `${folder}/${file}`), "/etc/app"];
  const does = (verb: "start" | "restart" | "try-restart" | "reload", property: string) =>
    act(verb, name, reads, 120, property);
  const writeUnit = writeUnitFile(name, name, unit, "unit");
  const makeFolder = run(`make ${folder}/${name}.d`, ["install", "-d", "-m", "0755", "--", `${folder}/${name}.d`], {
    property: "dropIns",
  });
  const writeDropIn = writeUnitFile(name, `${name}.d/nice.conf`, want.dropIns.nice, "dropIns");
  const enable = systemctl("enable", "enable", name, "enabled");
  const { dropIns: _, ...plain } = want;
  const { running: __, ...unmanaged } = want;

  test.each([
    ["in agreement", want, seen, memory, []],
    [
      "absent",
      want,
      undefined,
      memory,
      [
        compare([["/etc/app", one]]),
        makeFolder,
        writeUnit,
        writeDropIn,
        daemonReload("dropIns"),
        enable,
        does("start", "running"),
      ],
    ],
    [
      "another text",
      want,
      { ...seen, unit: "x" },
      memory,
      [writeUnit, daemonReload("unit"), systemctl("enable anew", "reenable", name, "enabled"), does("restart", "unit")],
    ],
    [
      "another drop-in",
      want,
      { ...seen, dropIns: { nice: "x" } },
      memory,
      [makeFolder, writeDropIn, daemonReload("dropIns"), does("restart", "dropIns")],
    ],
    [
      "a dropped drop-in",
      { ...plain, dropIns: {} },
      seen,
      memory,
      [
        run(`remove ${folder}/${files[1]}`, ["rm", "-f", "--", `${folder}/${files[1]}`], { property: "dropIns" }),
        run(
          `remove ${folder}/${name}.d if it is empty`,
          ["rmdir", "--ignore-fail-on-non-empty", "--", `${folder}/${name}.d`],
          { property: "dropIns" },
        ),
        daemonReload("dropIns"),
        act("restart", name, [`${folder}/${name}`, "/etc/app"], 120, "dropIns"),
      ],
    ],
    [
      "a unit that is taken over",
      want,
      { ...seen, unit: "theirs" },
      { ...memory, adopted: [name] },
      [
        run("make the folder for adopted files", ["install", "-d", "-m", "0700", "--", keptFolder], {
          property: "unit",
        }),
        run(
          `keep what stands at ${folder}/${name}`,
          ["cp", "-aT", "--", `${folder}/${name}`, keptAt(`${folder}/${name}`)],
          { property: "unit" },
        ),
        writeUnit,
        daemonReload("unit"),
        systemctl("enable anew", "reenable", name, "enabled"),
        does("restart", "unit"),
      ],
    ],
    [
      "stopped and disabled",
      want,
      { ...seen, running: false, enabled: false },
      memory,
      [enable, does("start", "running")],
    ],
    [
      "should be stopped and disabled",
      { ...want, running: false, enabled: false },
      seen,
      memory,
      [systemctl("disable", "disable", name, "enabled"), systemctl("stop", "stop", name, "running", { deadline: 120 })],
    ],
    ["a file not read", want, { ...seen, reads: { "/etc/app": unread } }, memory, [does("restart", "reads")]],
    [
      "a file not reloaded",
      { ...want, onChange: "reload" as const },
      { ...seen, reads: { "/etc/app": unread } },
      memory,
      [does("reload", "reads")],
    ],
    [
      "a file not read, running or not",
      unmanaged,
      { ...seen, reads: { "/etc/app": unread } },
      memory,
      [does("try-restart", "reads")],
    ],
    [
      "a file that is not the announced one",
      want,
      { ...seen, reads: { "/etc/app": sha256("two") } },
      memory,
      [compare([["/etc/app", one]]), does("restart", "reads")],
    ],
    ["an interrupted change", want, { ...seen, outdated: [name] }, memory, [does("restart", "unit")]],
    [
      "a change not yet known to systemd",
      want,
      { ...seen, needsReload: true },
      memory,
      [daemonReload("unit"), does("restart", "unit")],
    ],
    ["another's change of a unit without files", { ...base, name }, { ...seen, needsReload: true }, undefined, []],
    ["masked", { ...base, name, masked: true }, seen, undefined, [systemctl("mask", "mask", name, "masked")]],
    [
      "unmasked and started",
      { ...base, name, masked: false, running: true },
      { ...seen, masked: true, running: false },
      undefined,
      [systemctl("unmask", "unmask", name, "masked"), act("start", name, [], 120, "running")],
    ],
    [
      "a template",
      { ...base, name: "app@.service", unit },
      undefined,
      undefined,
      [writeUnitFile("app@.service", "app@.service", unit, "unit"), daemonReload("unit")],
    ],
  ])("%s", (_, want, seen, memory, steps) => {
    expect(systemdUnit.plan(want as never, seen as never, memory as never)).toEqual(steps);
  });

  test("commands are words", () => {
    expect(does("restart", "reads").argv.toSpliced(2, 1)).toEqual(["sh", "-c", "sh", "restart", name, ...reads]);
    expect(systemctl("stop", "stop", "-x.service", "running").argv).toEqual(["systemctl", "stop", "--", "-x.service"]);
    expect(writeUnit.validate?.toSpliced(2, 1)).toEqual(["sh", "-c", "sh", "{}", name, name]);
    expect(compare([["/etc/app", one]]).argv.slice(3)).toEqual(["sh", "/etc/app", one]);
  });
});

describe("remember and remove", () => {
  const distribution = { ...seen, unit: "", dropIns: want.dropIns, enabled: false };
  const forget = `forget what ${name} has read`;
  const titles = (seen: object, memory: object | undefined) =>
    systemdUnit.remove(seen as never, memory as never).map(({ title }) => title);

  test("remembers how the unit was, as far as we change it", () => {
    expect(systemdUnit.remember?.(want, undefined, undefined)).toEqual(memory);
    expect(systemdUnit.remember?.(want, seen, undefined)).toEqual(memory);
    const { unit: _, enabled: __, ...managed } = want;
    expect(systemdUnit.remember?.(managed, { ...distribution, dropIns: { nice: "theirs" } }, undefined)).toEqual({
      existed: true,
      before: { running: true },
      written: [files[1]],
      adopted: [files[1]],
    });
    expect(systemdUnit.remember?.({ ...managed, masked: false }, seen, memory)).toEqual({
      ...memory,
      before: { ...memory.before, masked: false },
    });
  });

  test.each([
    [
      "ours",
      seen,
      memory,
      [
        `stop ${name}`,
        `disable ${name}`,
        `remove ${folder}/${files[0]}`,
        `remove ${folder}/${files[1]}`,
        `remove ${folder}/${name}.d if it is empty`,
        "let systemd read its units anew",
        `forget a failure of ${name}`,
        `forget what ${name} has read`,
      ],
    ],
    [
      "a package's with our drop-in, which ran",
      distribution,
      { ...memory, existed: true, before: { running: true } },
      [
        `remove ${folder}/${files[1]}`,
        `remove ${folder}/${name}.d if it is empty`,
        "let systemd read its units anew",
        `restart, if it runs, ${name}`,
        `forget what ${name} has read`,
      ],
    ],
    [
      "a package's that we enabled and started",
      { ...distribution, dropIns: {}, enabled: true },
      { ...memory, existed: true },
      [`disable ${name}`, `stop ${name}`, forget],
    ],
    [
      "a package's that is gone, with our drop-in",
      { ...distribution, unitFileState: "" },
      { ...memory, existed: true },
      [
        `remove ${folder}/${files[1]}`,
        `remove ${folder}/${name}.d if it is empty`,
        "let systemd read its units anew",
        forget,
      ],
    ],
    [
      "a package's that we disabled and stopped",
      { ...distribution, dropIns: {}, running: false },
      { ...memory, existed: true, before: { enabled: true, running: true } },
      [`enable ${name}`, `start ${name}`, forget],
    ],
    [
      "a package's that we masked",
      { ...distribution, dropIns: {}, masked: true },
      { ...memory, existed: true, before: { masked: false } },
      [`unmask ${name}`, forget],
    ],
    ["one that was put back already", { ...distribution, dropIns: {} }, { ...memory, existed: true, before: {} }, []],
    [
      "what we took over",
      { ...seen, kept: [name] },
      { ...memory, existed: true, before: {}, written: [name], adopted: [name] },
      [
        `put back what stood at ${folder}/${name}`,
        "let systemd read its units anew",
        `restart, if it runs, ${name}`,
        `forget what ${name} has read`,
      ],
    ],
    ["nothing that was imported", seen, undefined, []],
  ])("%s", (_, seen, memory, steps) => {
    expect(titles(seen, memory)).toEqual(steps);
  });
});

describe("refuse", () => {
  test.each([
    ["what agrees", want, seen, false, undefined],
    ["what is absent", want, undefined, false, undefined],
    [
      "an alias",
      { ...base, name },
      { ...seen, aliasOf: "other.service" },
      false,
      `${name} is another name of other.service`,
    ],
    [
      "a masked unit that should run",
      { ...base, name, running: true },
      { ...seen, masked: true },
      true,
      `${name} is masked`,
    ],
    [
      "a masked unit that should be unmasked",
      { ...base, name, running: true, masked: false },
      { ...seen, masked: true },
      true,
      undefined,
    ],
    [
      "a static unit that should be enabled",
      { ...base, name, enabled: true },
      { ...seen, unitFileState: "static" },
      false,
      `${name} cannot be enabled: it is static, started by other units or by a generator`,
    ],
    [
      "another's file",
      want,
      { ...seen, unit: "theirs" },
      false,
      `${folder}/${name}: exists already, was not made by this program, and differs`,
    ],
    ["another's file, adopted", { ...want, adopt: true }, { ...seen, unit: "theirs" }, false, undefined],
    ["ours that differs", want, { ...seen, unit: "by hand" }, true, undefined],
    [
      "another's file, at an update",
      want,
      { ...seen, unfamiliar: [name] },
      true,
      `${folder}/${name}: exists already, was not made by this program, and differs`,
    ],
  ])("%s", (_, want, seen, ours, why) => {
    expect(systemdUnit.refuse?.(want as never, seen as never, ours)?.why).toBe(why);
  });
});

test("is imported by name", () => {
  expect(systemdUnit.named(name)).toEqual({ name });
  expect(systemdUnit.named("app")).toBeUndefined();
});
