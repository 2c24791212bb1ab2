import { expect, test } from "vitest";
import { finish, lastWords } from "../../scripts/command.ts";

test("a command's words arrive as they are, and what it says line by line", async () => {
  const lines: string[] = [];
  const finished = await finish(["sh", "-c", 'cat; echo "$1" >&2; exit 3', "sh", "$(two) 'words'"], {
    input: "first\nsecond",
    onLine: (line, stream) => lines.push(`${stream} ${line}`),
  });
  expect(finished).toEqual({ code: 3, stdout: "first\nsecond\n", stderr: "$(two) 'words'\n" });
  expect(lines.sort()).toEqual(["stderr $(two) 'words'", "stdout first", "stdout second"]);
});

test("a command that is told to stop may clean up, with its children", async () => {
  const stop = new AbortController();
  const said: string[] = [];
  const running = finish(["sh", "-c", "trap 'echo cleaned; exit 0' INT; echo ready; while :; do sleep 0.05; done"], {
    signal: stop.signal,
    onLine: (line) => {
      said.push(line);
      if (line === "ready") stop.abort();
    },
  });
  await expect(running).rejects.toThrow();
  expect(said).toEqual(["ready", "cleaned"]);
});

test("one that takes too long is ended by a signal", async () => {
  const finished = await finish(["sleep", "60"], { timeout: 0.1 });
  expect(finished.code).toBeNull();
  expect(lastWords({ ...finished, stderr: "one\ntwo\nthree\n" }, 2)).toBe("two\n  three (ended by a signal)");
});

test("a program that is not there is one clear error", async () => {
  await expect(finish(["/nowhere/program"])).rejects.toThrow(
    "/nowhere/program could not be started\n  spawn /nowhere/program ENOENT",
  );
});
