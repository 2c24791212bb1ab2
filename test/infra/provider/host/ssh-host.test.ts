import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Failure } from "../../../../infra/provider/failure.ts";
import {
  Cancelled,
  ConnectionLost,
  DeadlineExceeded,
  HostUnusable,
  StepFailed,
  SudoRefused,
} from "../../../../infra/provider/host/errors.ts";
import { connect, SshHost } from "../../../../infra/provider/host/ssh-host.ts";
import { act, run, write } from "../../../../infra/provider/step.ts";
import { sshServer, type TestServer } from "./ssh-server.ts";

// The real program, run by perl as the account of the test, behind an SSH server in this process.

let server: TestServer;
let host: SshHost;
let folder: string;
const me = { owner: userInfo().username, group: String(userInfo().gid) };
const said: string[] = [];
const say = (_: string, text: string) => void said.push(text);

beforeAll(async () => {
  server = await sshServer();
});
afterAll(async () => {
  await host.close();
  await server.stop();
});
beforeEach(async () => {
  said.length = 0;
  folder = await mkdtemp(join(tmpdir(), "onprem-host-"));
  // One for all: only what breaks it needs another.
  host ??= await connect(server.settings, { say });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** For tests that break the connection. */
function ownConnection(): void {
  beforeEach(async () => {
    await host.close();
    host = await connect(server.settings, { say });
  });
}

test.each([
  ["198.18.0.5", {}, "198.18.0.5"],
  ["prod.example.dk", { vpn: { name: "OpenVPN", ranges: ["198.18.0.0/24"] } }, "prod.example.dk"],
  ["10.0.0.5", { jump: { host: "jump.example.dk", hostKey: "" } }, undefined],
  ["127.0.0.1", { port: 2222 }, undefined],
  ["localhost", {}, undefined],
])("%s, reached by %j: the address that others than SSH reach it by is %s", (to, more, address) => {
  expect(new SshHost({ host: to, hostKey: "", ...more }, { say }).address).toBe(address);
});

describe("looking", () => {
  test("looks that are made together leave in one write, and use one connection", async () => {
    const before = host.stats.bursts;
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => host.look(["echo", `${index}`])));
    expect(answers.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 20 }, (_, index) => `${index}\n`));
    expect(host.stats.bursts - before).toBe(1);
    expect(host.stats.connections).toBe(1);
  });

  test("no shell sees the words, whatever they hold", async () => {
    const word = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));
    await fc.assert(
      fc.asyncProperty(
        fc.array(word, { minLength: 1, maxLength: 6 }),
        fc.string({ unit: "binary" }),
        async (words, stdin) => {
          const { stdout } = await host.look(["sh", "-c", 'printf "%s\\0" "$@"; cat', "sh", ...words], { stdin });
          expect(stdout).toBe([...words, stdin].join("\0"));
        },
      ),
      { numRuns: 40 },
    );
  });

  test("the environment is fixed, the controller's and the login's do not show", async () => {
    expect((await host.look(["env"])).stdout.split("\n").sort()).toEqual([
      "",
      `HOME=${userInfo().homedir}`,
      "LC_ALL=C",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]);
    expect((await host.look(["sh", "-c", "pwd; umask; ls /proc/self/fd | wc -w"])).stdout).toBe("/\n0022\n4\n");
  });

  test("exit codes are answers only where they are said to be", async () => {
    expect(await host.look(["sh", "-c", "echo out; echo err >&2; exit 3"], { exits: [0, 3] })).toEqual({
      code: 3,
      stdout: "out\n",
      stderr: "err\n",
    });
    const error = await host.look(["sh", "-c", "echo why not >&2; exit 3"]).catch((error) => error);
    expect(error).toBeInstanceOf(StepFailed);
    expect([error.code, error.stderr]).toEqual([3, "why not\n"]);
    expect(error.message.split("\n")).toEqual(["could not look at trial with sh", "  sh: why not (exit 3)"]);
  });

  test("a program that is not there, a signal, a NUL byte", async () => {
    await expect(host.look(["no-such-program"])).rejects.toThrow(
      /no-such-program: No such file or directory \(exit 127\)/,
    );
    await expect(host.look(["sh", "-c", "kill -9 $$"])).rejects.toThrow(/\(exit 137\)/);
    await expect(host.look(["echo", "a\0b"])).rejects.toThrow(/a word holds a NUL byte/);
  });

  test("too slow ones are killed with their children", async () => {
    const began = performance.now();
    const work = host.look(["sh", "-c", "echo waiting for the lock >&2; sleep 7777 & sleep 7777"], { deadline: 1 });
    const error = await work.catch((error) => error);
    expect(error).toBeInstanceOf(DeadlineExceeded);
    expect(error.message).toBe(
      "could not look at trial with sh\n  sh was killed, for it did not end in time (1 s)\n  waiting for the lock",
    );
    expect(performance.now() - began).toBeLessThan(2500);
    expect((await host.look(["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"])).stdout).not.toContain(
      "sleep 7777 ",
    );
  });

  test("a daemon that keeps the output open does not hold us up", async () => {
    const began = performance.now();
    expect((await host.look(["sh", "-c", "sleep 3 & echo started"])).stdout).toBe("started\n");
    expect(performance.now() - began).toBeLessThan(2000);
  });

  test("output is cut at 8 MiB, and says so", async () => {
    const { stdout } = await host.look(["head", "-c", "9000000", "/dev/zero"]);
    expect(stdout.length).toBe(8 * 1024 * 1024 + "\n[611392 more bytes were left out]".length);
    expect(stdout.endsWith("\0\n[611392 more bytes were left out]")).toBe(true);
  });

  test("a failure does not quote what was fed", async () => {
    const error = await host
      .look(["sh", "-c", "read line; echo bad: $line >&2; exit 1"], { stdin: "anna:correct-horse\n" })
      .catch((error) => error);
    expect(error.message).toBe("could not look at trial with sh\n  sh: bad: [secret] (exit 1)");
    expect(error.stderr).not.toContain("correct-horse");
  });
});

describe("inspecting", () => {
  test("nothing, a file, a link, a directory with all below", async () => {
    expect(await host.inspect(join(folder, "nothing"))).toEqual([]);
    expect(await host.inspect(join(folder, "nothing/below"))).toEqual([]);
    const bytes = Buffer.from([0, 255, 10, 13, 0]);
    await writeFile(join(folder, "b\n'$(x)ø"), bytes, { mode: 0o604 });
    await mkdir(join(folder, "a"));
    await symlink("../nowhere", join(folder, "a", "link"));
    await writeFile(join(folder, "long"), Buffer.alloc(100_000, 7));
    await chmod(folder, 0o1750);
    const seen = await host.inspect(folder, { hash: true, content: 100, recursive: true });
    expect(seen.map(({ mtime, owner, group, ...rest }) => ({ ...rest, path: rest.path.slice(folder.length) }))).toEqual(
      [
        { path: "", type: "directory", mode: "1750", size: expect.any(Number) },
        { path: "/a", type: "directory", mode: "0755", size: expect.any(Number) },
        { path: "/a/link", type: "link", mode: "0777", size: 10, target: "../nowhere" },
        {
          path: "/b\n'$(x)ø",
          type: "file",
          mode: "0604",
          size: 5,
          content: new Uint8Array(bytes),
          sha256: sha256(bytes),
        },
        { path: "/long", type: "file", mode: "0644", size: 100_000, sha256: sha256(Buffer.alloc(100_000, 7)) },
      ],
    );
    expect(new Set(seen.map(({ owner }) => owner))).toEqual(new Set([me.owner]));
    for (const { mtime } of seen) expect(Math.abs(mtime / 1000 - Date.now())).toBeLessThan(60_000);
  });

  test("a tree of many small files: the hash of each, and little of them on the way", async () => {
    const contents = Array.from({ length: 250 }, (_, index) => Buffer.alloc(1000, index));
    await mkdir(join(folder, "tree"));
    for (const [index, bytes] of contents.entries()) await writeFile(join(folder, "tree", `file ${index}\n`), bytes);
    const before = host.stats.bytesReceived;
    const seen = await host.inspect(join(folder, "tree"), { hash: true, recursive: true });
    const hashes = new Map(seen.map(({ path, sha256 }) => [path, sha256]));
    expect(seen.length).toBe(251);
    for (const [index, bytes] of contents.entries()) {
      expect(hashes.get(join(folder, "tree", `file ${index}\n`))).toBe(sha256(bytes));
    }
    expect(host.stats.bytesReceived - before).toBeLessThan(120_000);
  });

  test("only what was asked for, and what /proc really holds", async () => {
    await writeFile(join(folder, "file"), "text");
    const [plain] = await host.inspect(join(folder, "file"));
    expect(Object.keys(plain ?? {})).toEqual(["path", "type", "owner", "group", "mode", "size", "mtime"]);
    const [hashed] = await host.inspect(join(folder, "file"), { hash: true });
    expect([hashed?.sha256, hashed?.content]).toEqual([sha256(Buffer.from("text")), undefined]);
    const [proc] = await host.inspect("/proc/sys/kernel/ostype", { content: 100 });
    expect(Buffer.from(proc?.content ?? []).toString()).toBe("Linux\n");
  });
});

describe("writing", () => {
  const path = () => join(folder, "file.conf");
  const step = (more: object = {}) =>
    write(`write ${path()}`, { path: path(), content: "new\n", ...me, mode: "0640", ...more });

  test("any bytes, with owner and mode, and nothing beside it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (content) => {
        await host.perform([step({ content })]);
        expect(new Uint8Array(await readFile(path()))).toEqual(content);
      }),
      { numRuns: 15 },
    );
    expect((await host.inspect(path()))[0]).toMatchObject({ mode: "0640", type: "file" });
    expect(await readdir(folder)).toEqual(["file.conf"]);
  });

  test("names as long as a file system takes, and of any characters", async () => {
    for (const name of ["n".repeat(255), `${"ø".repeat(127)}x`, "-rf", "new\nline $(touch x) 'q' \"q\" `x` {}"]) {
      await host.perform([step({ path: join(folder, name) })]);
      expect(await readFile(join(folder, name), "utf8")).toBe("new\n");
    }
    expect((await readdir(folder)).length).toBe(4);
  });

  test("a validating command sees the new content under a name that ends as the target's, and can say no", async () => {
    await writeFile(path(), "old\n");
    await host.perform([
      step({
        content: "good\n",
        validate: ["sh", "-c", 'case $1 in *.conf) grep -q good "$1";; *) exit 9; esac', "sh", "{}"],
      }),
    ]);
    const validate = ["sh", "-c", 'echo "$1: line 1 is bad" >&2; exit 4', "sh", "{}"];
    const error = await host.perform([step({ content: "bad\n", validate })]).catch((error) => error);
    expect(error).toBeInstanceOf(StepFailed);
    expect(error.message).toBe(`could not write ${path()} on trial\n  sh: ${path()}: line 1 is bad (exit 4)`);
    expect(await readFile(path(), "utf8")).toBe("good\n");
    expect(await readdir(folder)).toEqual(["file.conf"]);
    const hidden = await host
      .perform([{ ...step({ content: "bad\n", validate }), secret: true }])
      .catch((error) => error);
    expect(hidden.message).toContain("[its output may hold a secret]");
    expect(hidden.stderr).toBe("");
  });

  test("a link is replaced, what it points to stays", async () => {
    await writeFile(join(folder, "else"), "else");
    await symlink("else", path());
    await host.perform([step()]);
    expect(await host.inspect(path())).toMatchObject([{ type: "file" }]);
    expect(await readFile(join(folder, "else"), "utf8")).toBe("else");
  });

  test("what a power cut left beside it goes away, what somebody writes stays", async () => {
    await writeFile(join(folder, ".onprem-0123456789abcdef.file.conf"), "half");
    await writeFile(join(folder, ".onprem-0123456789abcdef.other"), "half");
    await host.perform([step()]);
    expect((await readdir(folder)).sort()).toEqual([".onprem-0123456789abcdef.other", "file.conf"]);
  });

  test.each([
    ["a directory in the way", (at: string) => ({ path: at }), /is a directory/],
    ["no such directory", (at: string) => ({ path: join(at, "no/file") }), /\/no: No such file or directory/],
    ["an unknown account", () => ({ owner: "nobody-of-that-name" }), /no account is called nobody-of-that-name/],
    ["an unknown group", () => ({ group: "nobody-of-that-name" }), /no group is called nobody-of-that-name/],
    ["a local file that is not there", () => ({ content: { path: "/nowhere", sha256: "" } }), /ENOENT/],
  ])("%s is a failure that changes nothing", async (_, more, why) => {
    const error = await host
      .perform([step(more(folder)), run("go on", ["touch", join(folder, "went-on")])])
      .catch((error) => error);
    expect(error).toBeInstanceOf(StepFailed);
    expect(error.message).toMatch(why);
    expect(await readdir(folder)).toEqual([]);
  });

  test("a local file is streamed, and not taken if it changed since it was hashed", async () => {
    const local = join(folder, "local");
    const bytes = Buffer.alloc(3_000_001, "onprem");
    await writeFile(local, bytes);
    await host.perform([step({ content: { path: local, sha256: sha256(bytes) } })]);
    expect((await readFile(path())).equals(bytes)).toBe(true);
    await writeFile(local, "changed");
    await expect(host.perform([step({ content: { path: local, sha256: sha256(bytes) } })])).rejects.toThrow(
      `${local} was changed while the update ran`,
    );
    expect((await readFile(path())).equals(bytes)).toBe(true);
    expect((await readdir(folder)).sort()).toEqual(["file.conf", "local"]);
  });
});

describe("steps", () => {
  test("run in order, one plan after the other, with stdin and environment", async () => {
    const log = join(folder, "log");
    const add = (word: string) =>
      run(`add ${word}`, ["sh", "-c", `sleep 0.0${word.length}; cat >>"$LOG"`], {
        stdin: `${word}\n`,
        env: { LOG: log },
      });
    await Promise.all([host.perform([add("first"), add("2nd")]), host.perform([add("third"), add("4")])]);
    expect(await readFile(log, "utf8")).toBe("first\n2nd\nthird\n4\n");
  });

  test("one that outlives us is fed, and what it says is kept, though no file stands anywhere", async () => {
    const script = 'echo "$(wc -c) bytes" >&2; readlink /proc/self/fd/2 >&2; exit 2';
    const failing = host.perform([
      run("stumble", ["sh", "-c", script], { stdin: "x".repeat(100_000), survives: true }),
    ]);
    await expect(failing).rejects.toThrow(
      /^could not stumble on trial\n {2}sh: 100000 bytes\n {2}\/memfd:onprem-err \(deleted\) \(exit 2\)$/,
    );
  });

  test("a failing one stops its plan, not the next plan", async () => {
    const failing = host.perform([
      run("stumble", ["sh", "-c", "echo fell >&2; exit 2"]),
      run("go on", ["touch", join(folder, "went-on")]),
    ]);
    const next = host.perform([run("begin", ["touch", join(folder, "begun")])]);
    await expect(failing).rejects.toThrow("could not stumble on trial\n  sh: fell (exit 2)");
    await next;
    expect(await readdir(folder)).toEqual(["begun"]);
  });
});

describe("what is done from here", () => {
  test("comes in its place, and what it has the host perform comes before the next step", async () => {
    const log = join(folder, "log");
    const add = (word: string) => run(`add ${word}`, ["sh", "-c", 'echo "$1" >>"$2"', "sh", word, log]);
    const plan = host.perform([
      add("first"),
      act("order it", async ({ host: inside, say: tell, signal }) => {
        tell("info", `${inside.name} as ${inside.user}: ${(await inside.look(["cat", log])).stdout.trim()}`);
        expect([signal.aborted, await inside.inspect(log)]).toMatchObject([false, [{ path: log }]]);
        await Promise.all([inside.perform([add("second")]), inside.perform([add("third")])]);
      }),
      add("fourth"),
    ]);
    await Promise.all([plan, host.perform([add("another plan")])]);
    expect(await readFile(log, "utf8")).toBe("first\nsecond\nthird\nfourth\nanother plan\n");
    expect(said).toEqual([`trial as ${host.user}: first`]);
  });

  test("fails with its own failure, and anything else becomes one that tells no secret", async () => {
    const own = new Failure({ what: "could not order it", why: "sold out" });
    const fail = (error: unknown, secret = false) =>
      host.perform([act("order it", () => Promise.reject(error), { secret })]).catch((failure: unknown) => failure);
    expect(await fail(own)).toBe(own);
    const other = new TypeError("no function");
    expect(await fail(other)).toMatchObject({ message: "could not order it\n  no function", cause: other });
    const hidden = await fail(new Error("token abc"), true);
    expect(hidden).toBeInstanceOf(Failure);
    expect([String(hidden), (hidden as Error).cause]).toEqual([expect.not.stringContaining("token abc"), undefined]);
  });

  test("is not done under a guard, for the host could not undo it; nothing of that plan is done", async () => {
    let done = false;
    const steps = [
      run("touch it", ["touch", join(folder, "touched")]),
      act("order it", async () => {
        done = true;
      }),
    ];
    await expect(host.perform(steps, { name: "trial", files: [], restore: [] })).rejects.toThrow(
      "will not order it in the guarded change trial on trial; nothing was changed\n  it is not done on the host, which could not undo it",
    );
    expect([done, await readdir(folder)]).toEqual([false, []]);
  });
});

describe("told to stop", () => {
  test("what is done from here hears of it, and nothing after it is begun", async () => {
    const stop = new AbortController();
    const other = await connect(server.settings, { say, signal: stop.signal });
    const heard = Promise.withResolvers<void>();
    const plan = other.perform([
      act("wait", ({ signal }) => {
        signal.addEventListener("abort", () => heard.reject(new Error("aborted")));
        stop.abort();
        return heard.promise;
      }),
      act("go on", () => expect.unreachable("it went on")),
    ]);
    await expect(plan).rejects.toThrow(Cancelled);
    await expect(other.perform([act("begin", () => expect.unreachable("it began"))])).rejects.toThrow(Cancelled);
    await other.close();
  });
});

describe("a connection that breaks", () => {
  ownConnection();

  test("looks are repeated on a new one", async () => {
    const work = host.look(["sh", "-c", "sleep 0.4; echo done"]);
    setTimeout(() => server.cut(), 100);
    expect((await work).stdout).toBe("done\n");
    expect(host.stats.connections).toBe(2);
    expect(said).toEqual([expect.stringMatching(/^lost the connection to trial: .*; connecting again$/)]);
  });

  test("a step is not: the error says what may have run, and what did not", async () => {
    const work = host.perform([run("take a while", ["sleep", "5"]), run("go on", ["touch", join(folder, "went-on")])]);
    setTimeout(() => server.cut(), 150);
    const error = await work.catch((error) => error);
    expect(error).toBeInstanceOf(ConnectionLost);
    expect(error.message.split("\n")).toEqual([
      "lost the connection to trial while it was to take a while",
      expect.stringMatching(/; this step may or may not have run$/),
      "  not begun: go on",
      "  Run the update again: it looks first, and does only what is left.",
    ]);
    await host.perform([run("start again", ["true"])]);
    expect(await readdir(folder)).toEqual([]);
  });

  test("an upload that was cut leaves nothing", async () => {
    const local = join(folder, "local");
    await writeFile(local, Buffer.alloc(60_000_000));
    const content = { path: local, sha256: sha256(Buffer.alloc(60_000_000)) };
    const work = host.perform([write("write it", { path: join(folder, "there"), content, ...me, mode: "0600" })]);
    setTimeout(() => server.cut(), 100);
    await expect(work).rejects.toThrow(ConnectionLost);
    await expect.poll(() => readdir(folder), { timeout: 4000 }).toEqual(["local"]);
  });
});

describe("stopping", () => {
  ownConnection();

  test("everything outstanding ends within a second, on the host too", async () => {
    const work = [
      host.look(["sleep", "6666"]),
      host.perform([run("wait", ["sleep", "6666"])]),
      host.perform([run("wait", ["true"])]),
    ];
    const outcomes = Promise.allSettled(work);
    await host.look(["true"]);
    const began = performance.now();
    await host.close();
    expect(
      (await outcomes).map((outcome) => outcome.status === "rejected" && outcome.reason instanceof Cancelled),
    ).toEqual([true, true, true]);
    expect(performance.now() - began).toBeLessThan(1000);
    await expect(host.look(["true"])).rejects.toThrow(Cancelled);
    host = await connect(server.settings, { say });
    const running = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '";
    await expect
      .poll(async () => (await host.look(["sh", "-c", running])).stdout, { timeout: 4000 })
      .not.toContain("sleep 6666 ");
  });

  test("while the program on the host is still being started", async () => {
    const slow = await sshServer({ mute: true });
    const stop = new AbortController();
    const work = connect(slow.settings, { say, signal: stop.signal });
    work.catch(() => undefined);
    await expect.poll(() => slow.commands).toBe(1);
    const began = performance.now();
    stop.abort();
    await expect(work).rejects.toThrow(Cancelled);
    expect(performance.now() - began).toBeLessThan(1000);
    await slow.stop();
  });

  test("by a signal too", async () => {
    const stop = new AbortController();
    const other = await connect(server.settings, { say, signal: stop.signal });
    const work = other.look(["sleep", "60"]);
    setTimeout(() => stop.abort(), 50);
    await expect(work).rejects.toThrow(Cancelled);
  });
});

describe("an account that is not as it should be", () => {
  const rejected = async (command: string, user = "anna", only = /^/) => {
    const odd = await sshServer({ wrap: (asked) => (only.test(asked) ? command : asked) });
    try {
      return await connect({ ...odd.settings, user }, { say }).then(
        () => expect.unreachable("it was to fail"),
        (error) => error,
      );
    } finally {
      await odd.stop();
    }
  };

  test("sudo wants a password", async () => {
    const error = await rejected("echo 'sudo: a password is required' >&2; exit 1", "anna", /sudo/);
    expect(error).toBeInstanceOf(SudoRefused);
    expect(error.message.split("\n")).toEqual([
      "anna on trial cannot become root",
      "  sudo: a password is required",
      "  Put this line into /etc/sudoers.d/anna on the host (with visudo): anna ALL=(ALL) NOPASSWD: ALL",
    ]);
  });

  test("the password has expired, so that nothing runs at all: that is not sudo's refusal", async () => {
    const error = await rejected("echo 'Password change required but no TTY available.' >&2; exit 1");
    expect(error).toBeInstanceOf(HostUnusable);
    expect(error.message.split("\n")).toEqual([
      "logged in to trial, but could not start a program there",
      "  Password change required but no TTY available.",
      expect.stringMatching(/^ {2}The account needs .* a password that has not expired \(`chage -l` shows it\)/),
    ]);
  });

  test.each([
    ["a forced command", "echo Please log in as ubuntu; exit 142", "Please log in as ubuntu"],
    ["no perl", "PATH=/nowhere; exec no-such-program", "no-such-program: not found"],
  ])("%s", async (_, command, why) => {
    const error = await rejected(command, "root");
    expect(error).toBeInstanceOf(HostUnusable);
    expect(error.message).toContain(why);
  });

  test("a login shell that prints things first is no matter", async () => {
    const source = "printf 'Welcome!\\n\\0\\0onprem-0\\n'; exec perl -e";
    const noisy = await sshServer({ wrap: (command) => command.replace(/^perl -e/, source) });
    const other = await connect(noisy.settings, { say });
    expect((await other.look(["echo", "clear"])).stdout).toBe("clear\n");
    await other.close();
    await noisy.stop();
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
