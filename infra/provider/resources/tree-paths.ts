/** What a relative path or pattern may not be, in words; `undefined` for a good one. */
export function relativePathProblem(path: string): string | undefined {
  if (path.includes("\0")) return "must not hold a NUL byte";
  if (path.split("/").some((part) => part === "" || part === "." || part === "..")) {
    return "must be relative, without '.', '..' or an empty part";
  }
  if (path.split("/").some((part) => Buffer.byteLength(part) > 255)) return "must have parts of at most 255 bytes";
  return undefined;
}

/** The directories on the way to a relative path, outermost first: `a/b/c` gives `a`, `a/b`. */
export function ancestors(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}

/** The directory that holds a relative path; `.` for the root of the tree. */
export function parent(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash);
}

/** The absolute path of a relative one. */
export function at(root: string, path: string): string {
  return path === "." ? root : `${root}/${path}`;
}

/** The value of a key that a map holds itself: a file may be called `constructor`. */
export function own<Value>(map: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/** Tells whether a relative path matches one of the patterns: `*` and `?` stay within a part, `**` spans parts; names with a leading dot match too. */
export function matcher(patterns: readonly string[]): (path: string) => boolean {
  const expressions = patterns.map(
    (pattern) =>
      new RegExp(
        `^${pattern
          .split(/(\*\*\/|\*\*|\*|\?)/)
          .map(expression)
          .join("")}$`,
        "su",
      ),
  );
  return (path) => expressions.some((expression) => expression.test(path));
}

function expression(part: string): string {
  switch (part) {
    case "**/":
      return "(?:.*/)?";
    case "**":
      return ".*";
    case "*":
      return "[^/]*";
    case "?":
      return "[^/]";
    default:
      return part.replace(/[\\^$.|+()[\]{}/]/g, "\\$&");
  }
}

/** Paths in groups that fit a command line: at most 500, and 64 KiB (Linux allows 2 MiB, environment included). */
export function chunks(paths: readonly string[]): string[][] {
  const groups: string[][] = [];
  let room = 0;
  for (const path of paths) {
    const size = Buffer.byteLength(path) + 1;
    let group = groups.at(-1);
    if (group === undefined || group.length === 500 || size > room) {
      group = [];
      groups.push(group);
      room = 65536;
    }
    group.push(path);
    room -= size;
  }
  return groups;
}

/** Some paths for a message: the first three by name, the rest by number. */
export function some(paths: readonly string[]): string {
  const rest = paths.length - 3;
  return `${paths.slice(0, 3).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/** By UTF-16 code unit: the same order everywhere. A directory comes before what it holds. */
export function byName(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
