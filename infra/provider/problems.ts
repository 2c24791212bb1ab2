/** What `check` found wrong, by property path; all of it at once (style.md, rule 8). */
export interface Problem {
  /** Path of the property: `mode`, `files["/etc/motd"].owner`. */
  readonly property: string;
  /** What is wrong, what was given (never a secret's value), what is allowed. */
  readonly reason: string;
}

/** Collects problems. A property that is not known yet in a preview is never a problem: it is checked when it is known. */
export class Problems {
  readonly #found: Problem[] = [];
  readonly #unknown: ReadonlySet<string>;
  readonly #secrets: readonly (readonly PropertyKey[])[];

  /** @param unknown Top-level properties not known yet. @param secrets Where the values are secret. */
  constructor(unknown: Iterable<string> = [], secrets: Iterable<readonly PropertyKey[]> = []) {
    this.#unknown = new Set(unknown);
    this.#secrets = [...secrets];
  }

  /** Whether a top-level property has a value that is not known yet. */
  isUnknown(property: string): boolean {
    return this.#unknown.has(property);
  }

  /** Whether a property is a secret, holds one or is part of one: its value must not be shown. */
  isSecret(...path: readonly PropertyKey[]): boolean {
    return this.#secrets.some((secret) => path.slice(0, secret.length).every((key, index) => key === secret[index]));
  }

  /** Top-level properties that hold a secret. */
  get secretProperties(): readonly string[] {
    return [...new Set(this.#secrets.map(([property]) => String(property)))];
  }

  add(path: readonly PropertyKey[] | string, reason: string): void {
    const keys = typeof path === "string" ? [path] : path;
    if (!this.#unknown.has(String(keys[0]))) this.#found.push({ property: propertyPath(keys), reason });
  }

  get found(): readonly Problem[] {
    return this.#found;
  }
}

/** A property path as Pulumi writes it: `files["/etc/motd"].mode`, `keys[0]`. */
export function propertyPath(keys: readonly PropertyKey[]): string {
  return keys
    .map((key, index) => {
      if (typeof key === "number") return `[${key}]`;
      const word = String(key);
      if (/^[A-Za-z_$][\w$]*$/.test(word)) return index === 0 ? word : `.${word}`;
      return `[${JSON.stringify(word)}]`;
    })
    .join("");
}
