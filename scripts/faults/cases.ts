import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../engine/environment.ts";

/** Folder of the cases, below the project's. */
export const casesFolder = "test/e2e/faults";

/** The groups in the order in which they are shown, with what each is about. */
export const groups: Readonly<Record<string, string>> = {
  "lock-out": "Changes that lock us out",
  confirmation: "Confirmations that go wrong",
  interrupted: "Runs that are interrupted",
  machine: "Servers in trouble",
  state: "State and back end",
  certificates: "Names and certificates",
};

/** The ids of all cases, as they stand in the test files, in the order of the groups. */
export function readCases(): string[] {
  const folder = join(projectFolder, casesFolder);
  const files = readdirSync(folder).filter((name) => name.endsWith(".test.ts"));
  return files.flatMap((name) => casesIn(readFileSync(join(folder, name), "utf8"))).sort(byGroup);
}

/** The ids in the text of one test file. */
export function casesIn(text: string): string[] {
  return [...text.matchAll(/^\s*fault\(\s*"([^"]+)"/gm)].map(([, id]) => id ?? "");
}

/** Which cases were asked for by id or by group, all where nothing was; and the words that name none. */
export function chooseCases(words: readonly string[], all: readonly string[]): { chosen: string[]; unknown: string[] } {
  const matches = (word: string) => all.filter((id) => id === word || id.startsWith(`${word}/`));
  const unknown = words.filter((word) => matches(word).length === 0);
  const chosen = words.length === 0 ? [...all] : [...new Set(words.flatMap(matches))].sort(byGroup);
  return { chosen, unknown };
}

/** By group in the order in which they are shown, then by id. */
export function byGroup(one: string, other: string): number {
  const rank = (id: string) => Object.keys(groups).indexOf(groupOf(id));
  return rank(one) - rank(other) || (one < other ? -1 : one > other ? 1 : 0);
}

export function groupOf(id: string): string {
  return id.split("/")[0] ?? "";
}
