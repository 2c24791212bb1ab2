import { describe, expect, test } from "vitest";
import { Refusal } from "../../../../infra/provider/host/requests.ts";
import { refused, stepFailed } from "../../../../infra/provider/host/verdict.ts";

const lines = (error: unknown) => String((error as Error).message).split("\n");

describe("an error of the system while a file is written", () => {
  test.each([
    [
      "ENOSPC",
      "/srv/app/conf",
      /^ {2}Make room there \(`df -h \/srv\/app` shows the space, `df -i \/srv\/app` the inodes\)/,
    ],
    ["EDQUOT", "/srv/app/conf", /^ {2}The owner's quota is used up: raise it, or make room in \/srv\/app/],
    ["EROFS", "/conf", /^ {2}It is mounted read-only \(`findmnt -T \/`;/],
    ["EPERM", "/etc/motd", /^ {2}An attribute may forbid it \(`lsattr -d \/etc \/etc\/motd`;/],
  ])("%s is told in three lines, the last with what to do", (errno, path, remedy) => {
    const error = refused(new Refusal("what the system says", { errno }), `could not write ${path} on dev`, path);
    expect(lines(error)).toEqual([
      `could not write ${path} on dev`,
      "  what the system says",
      expect.stringMatching(remedy),
    ]);
  });

  test.each([
    ["that we have no words for", new Refusal("fsync: Input/output error"), "/etc/motd"],
    ["where no file was to be written", new Refusal("No space left on device", { errno: "ENOSPC" }), undefined],
  ])("one %s has two lines", (_, refusal, path) => {
    expect(lines(refused(refusal, "could not do it on dev", path))).toEqual([
      "could not do it on dev",
      `  ${refusal.message}`,
    ]);
  });
});

describe("a command that failed", () => {
  test("is told with its last words", () => {
    const error = stepFailed("could not check it on dev", "sshd", { code: 255, stderr: "bad line\n" }, false);
    expect(lines(error)).toEqual(["could not check it on dev", "  sshd: bad line (exit 255)"]);
  });

  test("because it was killed says so, and what to look for", () => {
    const error = stepFailed("could not check it on dev", "perl", { code: 137, stderr: "" }, false);
    expect(lines(error)).toEqual([
      "could not check it on dev",
      "  perl: it was killed (exit 137)",
      "  Something on the host killed it, most often because memory ran out: `journalctl -k` or `dmesg` tell.",
    ]);
  });
});
