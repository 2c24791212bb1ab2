import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { takeLock } from "../../../scripts/launch/pid-lock.mjs";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onprem-lock-"));
  file = join(folder, "lock");
});
afterEach(() => rm(folder, { recursive: true }));

const never = () => {
  throw new Error("had to wait");
};

test("a lock names its holder and goes away with it", async () => {
  const release = await takeLock(file, never);
  expect(await readFile(file, "utf8")).toMatch(new RegExp(`^${process.pid} \\d+\\n$`));
  release();
  expect(await readdir(folder)).toEqual([]);
});

test.each([
  { name: "a process that is gone", text: "999999999 5\n" },
  { name: "a number that another process has by now", text: `${process.pid} 1\n` },
  { name: "nobody", text: "" },
])("the lock of $name is taken over", async ({ text }) => {
  await writeFile(file, text);
  const release = await takeLock(file, never);
  expect(await readFile(file, "utf8")).toContain(`${process.pid} `);
  release();
  expect(await readdir(folder)).toEqual([]);
});

test("a living holder is waited for until it is killed", async () => {
  const module = new URL("../../../scripts/launch/pid-lock.mjs", import.meta.url);
  const program = `import { takeLock } from "${module}"; await takeLock(${JSON.stringify(file)}, () => {}); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" });
  try {
    while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 10));
    const waits: number[] = [];
    const release = await takeLock(file, (pid) => {
      waits.push(pid);
      holder.kill("SIGKILL");
    });
    expect(waits).toEqual([holder.pid]);
    release();
  } finally {
    holder.kill("SIGKILL");
  }
});

test("waiting ends when it is told to", async () => {
  const release = await takeLock(file, never);
  const stop = new AbortController();
  await expect(takeLock(file, () => stop.abort(), stop.signal)).rejects.toThrow();
  release();
});
