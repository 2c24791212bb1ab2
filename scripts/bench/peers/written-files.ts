import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Writes files into a folder that held others. */
export async function writeAll(
  folder: string,
  files: readonly { readonly name: string; readonly content: string }[],
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await Promise.all(files.map(({ name, content }) => writeFile(join(folder, name), content)));
}
