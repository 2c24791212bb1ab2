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
  readonly #secret: ReadonlySet<string>;

  /** @param unknown Top-level properties not known yet. @param secret Top-level properties that hold a secret. */
  constructor(unknown: Iterable<string> = [], secret: Iterable<string> = []) {
    this.#unknown = new Set(unknown);
    this.#secret = new Set(secret);
  }

  /** Whether a top-level property has a value that is not known yet. */
  isUnknown(property: string): boolean {
    return this.#unknown.has(property);
  }

  /** Whether a top-level property holds a secret, whose value must not be shown. */
  isSecret(property: string): boolean {
    return this.#secret.has(property);
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
