import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { machine, stackOn, within } from "./on-lab.ts";

const server = machine("test");

test("Ctrl-C ends a run within 5 s, with nothing half-written, and the next run finishes the work", async () => {
  const folder = await mkdtemp(join(tmpdir(), "onprem-cancel-"));
  try {
    const big = join(folder, "big");
    await writeFile(big, randomBytes(400 * 1024 * 1024));
    const program = [{ name: "big", type: "File", args: { path: "/srv/onprem-big", source: { $file: big } } }];
    await using stack = await stackOn(server);
    const running = await stack.begin(program);
    await uploadBegun();
    const interrupted = performance.now();
    process.kill(running.pid, "SIGINT");
    const { code } = await running.finished;
    expect(code).not.toBe(0);
    expect(performance.now() - interrupted).toBeLessThan(5000);
    await sleep(500);
    expect(await within(server, "ls -A /srv | grep onprem || true")).toBe("");
    expect((await stack.up(program)).code).toBe(0);
    expect(await within(server, "stat -c %s /srv/onprem-big")).toBe(String(400 * 1024 * 1024));
    expect((await stack.up(program)).changes).toEqual({});
    await stack.destroy();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

async function uploadBegun(): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if ((await within(server, "ls -A /srv")).includes("onprem")) return;
    await sleep(50);
  }
  throw new Error("the upload never began");
}
