import type { Mistake } from "./mistakes.ts";

/** The most letters that two names differ in where one is taken for a mistyped other. */
const mostTypos = 2;

/**
 * Keys whose namespace is one letter or two from the project's: they would be left alone as another package's, and what
 * they say be missed. Every other namespace is a package's own.
 */
export function mistypedNamespaces(fullKeys: readonly string[], namespace: string): Mistake[] {
  return fullKeys.flatMap((fullKey) => {
    const [given = "", ...key] = fullKey.split(":");
    if (given === namespace || distance(given.toLowerCase(), namespace) > mostTypos) return [];
    return [
      { namespace: given, path: key.join(":"), reason: `is in no namespace of ours; did you mean ${namespace}?` },
    ];
  });
}

/** How many letters must be put in, taken out or changed to make one text of the other (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (const [at, wanted] of [...other].entries()) {
      const changed = (row[at] ?? 0) + (letter === wanted ? 0 : 1);
      next.push(Math.min(changed, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
