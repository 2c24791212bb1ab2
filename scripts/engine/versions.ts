/** The Pulumi CLI that we install, and that the project is tested with. */
export const engineVersion = "3.259.0";

/**
 * The oldest `pulumi` on PATH that is used. Engine, SDK and plugins agree on what they can do when they start, so an older one still
 * works, but not without end: this is about a year of Pulumi's weekly releases before the version that is tested.
 */
export const oldestEngine = "3.220.0";

/** The Node language host that is built: the newest whose Go module still holds it as a package. It runs SDK 3.270 under CLI 3.259. */
export const languageHostVersion = "3.68.0";

/** The Go that the pinned modules ask for, as their `go` lines say. */
export const goVersion = "1.25.11";

/** The Go that first could download a newer one by itself (https://go.dev/doc/toolchain). */
export const oldestSwitchingGo = "1.21.0";

/** Negative, zero or positive as `a` is older than, the same as or newer than `b`. Reads `v3.259.0`, `go1.25`, `3.220.0-beta.1`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (const index of [0, 1, 2]) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The first version number in a text, or `undefined` where there is none. */
export function findVersion(text: string): string | undefined {
  return /\d+\.\d+(?:\.\d+)?/.exec(text)?.[0];
}

function numbersOf(version: string): number[] {
  return (findVersion(version) ?? "0").split(".").map(Number);
}
