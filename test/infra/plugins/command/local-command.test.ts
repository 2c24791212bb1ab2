import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CommandStandIn } from "../../../../infra/plugins/command/stand-in.ts";
import { Life } from "./life.ts";

let standIn: CommandStandIn;
let life: Life;
let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "onprem-local-")));
  standIn = new CommandStandIn();
  life = new Life(standIn, "command:local:Command");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("a command's life", () => {
  test("create, update and delete, each with what the last one wrote", async () => {
    const given = {
      create: 'echo created; echo "a warning" >&2',
      update: 'echo "updated after $PULUMI_COMMAND_STDOUT ($PULUMI_COMMAND_STDERR)"',
      delete: `echo "deleted after $PULUMI_COMMAND_STDOUT ($PULUMI_COMMAND_STDERR)" > ${folder}/deleted`,
    };
    expect(await life.create(given)).toEqual({ ...given, stdout: "created", stderr: "a warning" });
    expect(life.id).toMatch(/^mine[0-9a-f]{8}$/);
    const { id } = life;
    expect(await life.update({ ...given, stdin: "x" })).toMatchObject({
      stdout: "updated after created (a warning)",
      stderr: "",
    });
    expect(life.id).toBe(id);
    await life.remove();
    expect(await readFile(`${folder}/deleted`, "utf8")).toBe("deleted after updated after created (a warning) ()\n");
  });

  test("create runs again where there is no update", async () => {
    await life.create({ create: "echo one" });
    expect(await life.update({ create: "echo two" })).toMatchObject({ stdout: "two" });
  });

  test("without create and update nothing runs, and what was written before stays", async () => {
    expect(await life.create({ delete: "true" })).toEqual({ delete: "true", stdout: "", stderr: "" });
    await life.create({ create: "echo s3cret", stdin: "s3cret" }, ["stdin"]);
    expect(await life.update({ delete: "true" })).toEqual({ delete: "true", stdout: "s3cret", stderr: "" });
    expect(life.outputs.secrets).toEqual([["stdout"]]);
  });

  test("addPreviousOutputInEnv: false keeps the last output out of the environment", async () => {
    const given = { create: 'echo "<$PULUMI_COMMAND_STDOUT>"', addPreviousOutputInEnv: false };
    await life.create(given);
    expect(await life.update(given)).toMatchObject({ stdout: "<>" });
  });
});

describe("what a command gets", () => {
  test.each([
    ["standard input", { create: "cat", stdin: "one\ntwo" }, "one\ntwo"],
    ["no standard input", { create: "cat" }, ""],
    ["more input than it reads", { create: "head -c 1", stdin: "x".repeat(1_000_000) }, "x"],
    ["variables", { create: 'echo "$A|$B"', environment: { A: "$(touch x)", B: "'\n\"" } }, "$(touch x)|'\n\""],
    ["an interpreter", { create: "a b", interpreter: ["printf", "%s|%s", "first"] }, "first|a b"],
    ["an empty interpreter is none", { create: "echo $0", interpreter: [] }, "/bin/sh"],
    ["several lines", { create: "a=1\nif true; then\n  echo $a # comment\nfi" }, "1"],
    ["quotes and dollars", { create: `printf '%s' '$HOME "\\'; printf "%s" "'"` }, "$HOME \"\\'"],
    ["unicode", { create: "echo 'æøå ☃'" }, "æøå ☃"],
    ["only the newline at the end goes", { create: "printf 'a\\n\\n'" }, "a\n"],
  ])("%s", async (_, given, stdout) => {
    expect(await life.create(given)).toMatchObject({ stdout, stderr: "" });
  });

  test("its own environment, without the text of the command", async () => {
    vi.stubEnv("ONPREM_TEST", "seen");
    expect(
      await life.create({ create: 'echo "$ONPREM_TEST:$(printenv PULUMI_COMMAND_TEXT || echo unset)"' }),
    ).toMatchObject({
      stdout: "seen:unset",
    });
    vi.unstubAllEnvs();
  });

  test("a directory", async () => {
    expect(await life.create({ create: "pwd", dir: folder })).toMatchObject({ stdout: folder });
    expect(await life.create({ create: "pwd" })).toMatchObject({ stdout: process.cwd() });
    await writeFile(`${folder}/file`, "");
    for (const dir of [`${folder}/none`, `${folder}/file`]) {
      await expect(life.create({ create: "pwd", dir })).rejects.toThrow(
        `command:local:Command "mine": could not run the create command on this machine\n  dir is no directory: ${dir}`,
      );
    }
  });
});

describe("failures", () => {
  test("an exit code, with what was written", async () => {
    await expect(life.create({ create: "echo out; echo err >&2; exit 3" })).rejects.toThrow(
      'command:local:Command "mine": the create command failed on this machine\n  exit 3:\n  out\n  err',
    );
    expect(life.said).toEqual([]);
  });

  test("a signal", async () => {
    await expect(life.create({ create: "kill -KILL $$" })).rejects.toThrow("exit 137, without a word");
  });

  test("an interpreter that is not there", async () => {
    await expect(life.create({ create: "x", interpreter: ["/nowhere/sh"] })).rejects.toThrow(
      'command:local:Command "mine": could not run the create command on this machine\n  spawn /nowhere/sh ENOENT',
    );
  });

  test("a failed update keeps the last output", async () => {
    await life.create({ create: "echo one" });
    await expect(life.update({ create: "exit 1" })).rejects.toThrow("the create command failed");
    expect(life.outputs.values).toEqual({ create: "echo one", stdout: "one", stderr: "" });
  });
});

describe("logging", () => {
  test.each([
    [undefined, ["out\nmore", "err"]],
    ["stdoutAndStderr", ["out\nmore", "err"]],
    ["stdout", ["out\nmore"]],
    ["stderr", ["err"]],
    ["none", []],
  ])("%s", async (logging, said) => {
    const given = { create: "echo out; echo more; echo err >&2", ...(logging === undefined ? {} : { logging }) };
    expect(await life.create(given)).toMatchObject({ stdout: "out\nmore", stderr: "err" });
    expect(life.said).toEqual(said);
  });
});

describe("secrets", () => {
  const argv = "tr '\\0' ' ' < /proc/$$/cmdline";

  test("inputs stay secret, output does not become so by them", async () => {
    await life.create({ create: "echo hello", environment: { A: "s3cret" } }, ["environment", "A"]);
    expect(life.outputs.secrets).toEqual([["environment", "A"]]);
    expect(life.said).toEqual(["hello"]);
  });

  test("output that holds one is secret, and not in the log", async () => {
    await life.create({ create: 'echo "$A"; echo hello >&2', environment: { A: "s3cret" } }, ["environment", "A"]);
    expect(life.outputs.values).toMatchObject({ stdout: "s3cret", stderr: "hello" });
    expect(life.outputs.secrets).toEqual([["environment", "A"], ["stdout"]]);
    expect(life.said).toEqual(["[stdout may hold a secret]", "hello"]);
  });

  test("an error holds none", async () => {
    const failing = life.create({ create: 'echo "$A"; exit 1', environment: { A: "s3cret" } }, ["environment", "A"]);
    await expect(failing).rejects.toThrow(/exit 1:\n {2}\[its output may hold a secret\]$/);
    await expect(life.create({ create: "echo s3cret; exit 1" }, ["create"])).rejects.toThrow(
      /exit 1:\n {2}\[its output may hold a secret\]$/,
    );
  });

  test("the text is in no argument", async () => {
    const { stdout } = await life.create({ create: `${argv} # s3cret` });
    expect(stdout).toMatch(/^\/bin\/sh -c /);
    expect(stdout).not.toContain("s3cret");
  });
});

describe("an end before its time", () => {
  /** A command that leaves a trace if it is not ended with all that it started. */
  const slow = () => `(sleep 3; echo late > ${folder}/late) & echo begun > ${folder}/begun; wait`;
  const begun = () => expect.poll(() => readFile(`${folder}/begun`, "utf8").catch(() => "")).toBe("begun\n");

  test("cancelling ends it and what it started", async () => {
    const running = life.create({ create: slow() });
    const ended = expect(running).rejects.toThrow("the run was cancelled");
    await begun();
    const cancelled = performance.now();
    standIn.cancel();
    await ended;
    expect(performance.now() - cancelled).toBeLessThan(1500);
    await expect(life.create({ create: "true" })).rejects.toThrow("the run was cancelled");
    await sleep(3000);
    await expect(readFile(`${folder}/late`)).rejects.toThrow("ENOENT");
  });

  test("the program's own time limit ends it", async () => {
    life.timeout = 1;
    await expect(life.create({ create: "trap '' TERM; sleep 9" })).rejects.toThrow(
      'command:local:Command "mine": could not run the create command on this machine\n  it ran longer than 1 s and was killed',
    );
  });
});
