import { rename, rm, writeFile } from "node:fs/promises";

/** Writes a file that is there whole or as before, whenever this is interrupted. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}`;
  try {
    await writeFile(draft, text);
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}
