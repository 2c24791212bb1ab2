import { readFileSync } from "node:fs";
import type { Kind } from "../../../infra/provider/kind.ts";
import { type Problem, Problems } from "../../../infra/provider/problems.ts";

/** What a kind makes of arguments that are all known: the want, or the problems. */
export function checked<Want extends object, Seen extends object, Memory extends object>(
  kind: Kind<Want, Seen, Memory>,
  given: object,
): Want | readonly Problem[] {
  const problems = new Problems();
  const want = kind.check(given as Partial<Want>, problems);
  return problems.found.length > 0 ? problems.found : want;
}

/** Real output of a tool, by path below test/fixtures: `lsblk-debian-12/container.json`. */
export function fixture(path: string): string {
  return readFileSync(new URL(`../../fixtures/${path}`, import.meta.url), "utf8");
}
