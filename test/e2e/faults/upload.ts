import { randomBytes } from "node:crypto";
import { mkdtemp, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { MachineStatus } from "../../../lab/status.ts";
import { within } from "../on-lab.ts";

/** Makes a local file of random bytes; the caller removes it. @param size MiB */
export async function bigFile(size: number): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), "onprem-big-")), "big");
  const file = await open(path, "w");
  for (let index = 0; index < size; index += 1) await file.write(randomBytes(1024 * 1024));
  await file.close();
  return path;
}

/** Waits until the temporary file of an upload stands in a folder of the server and has something in it. */
export async function uploadBegun(server: MachineStatus, folder: string): Promise<void> {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; await sleep(50)) {
    if ((await within(server, `find ${folder} -maxdepth 1 -name '.onprem-*' -size +0`)) !== "") return;
  }
  throw new Error("the upload never began");
}
