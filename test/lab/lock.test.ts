import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withLock } from "../../lab/lock.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onprem-lock-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Three at a time want one lock, twice; says how many ran at once at most. */
async function mostAtOnce(file: string, atEnd: () => Promise<void>): Promise<number> {
  let now = 0;
  let most = 0;
  const one = () =>
    withLock(
      file,
      () => {},
      async () => {
        now += 1;
        most = Math.max(most, now);
        await setTimeout(50);
        now -= 1;
        await atEnd();
      },
    );
  await Promise.all([1, 2, 3].map(() => one().then(one)));
  return most;
}

test("one at a time", async () => {
  expect(await mostAtOnce(join(folder, "plain.lock"), async () => {})).toBe(1);
});

test("one at a time, too, where each removes the file at its end, and nothing stays", async () => {
  const file = join(folder, "removed.lock");
  expect(await mostAtOnce(file, () => rm(file, { force: true }))).toBe(1);
  await expect(stat(file)).rejects.toThrow("ENOENT");
});

test("what the work throws is thrown, and the lock is free again", async () => {
  const file = join(folder, "thrown.lock");
  const failing = withLock(
    file,
    () => {},
    () => Promise.reject(new Error("no")),
  );
  await expect(failing).rejects.toThrow("no");
  expect(await mostAtOnce(file, async () => {})).toBe(1);
});
