import { randomBytes } from "node:crypto";
import { mkdtemp, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MachineStatus } from "../../../lab/status.ts";
import { within } from "../on-lab.ts";
import type { Finished } from "../stack.ts";
import { whenBegun } from "./when-begun.ts";

/** Makes a local file of random bytes; the caller removes it. @param size MiB */
export async function bigFile(size: number): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), "onprem-big-")), "big");
  const file = await open(path, "w");
  for (let index = 0; index < size; index += 1) await file.write(randomBytes(1024 * 1024));
  await file.close();
  return path;
}

/** Waits until the temporary file of an upload stands in a folder of the server and has something in it. */
export function uploadBegun(server: MachineStatus, folder: string, finished: Promise<Finished>): Promise<void> {
  const look = `find ${folder} -maxdepth 1 -name '.onprem-*' -size +0`;
  return whenBegun(finished, async () => (await within(server, look)) !== "");
}
