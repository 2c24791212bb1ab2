import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { projectFolder } from "../engine/environment.ts";
import type { Result } from "./measurement.ts";
import { performancePage } from "./report/page.ts";
import { picturesOf } from "./report/pictures.ts";

/** Writes the page and its pictures; returns their paths from the project's folder. */
export async function writePage(result: Result, folder: string = projectFolder): Promise<string[]> {
  const pictures = picturesOf(result);
  const pages = new Map([["docs/performance.md", performancePage(result, new Set(pictures.keys()))], ...pictures]);
  for (const [path, text] of pages) await writeFile(join(folder, path), text);
  return [...pages.keys()];
}
