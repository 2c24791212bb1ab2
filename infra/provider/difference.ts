import { LocalFile } from "./step.ts";
import { OtherAsset, type Path } from "./values.ts";

/** One place where two values differ. */
export interface Difference {
  readonly path: Path;
  readonly change: "add" | "delete" | "update";
}

/** Where `after` differs from `before`, as deep as both are maps or lists; sorted by key. Absent and undefined are one. */
export function differences(before: unknown, after: unknown, path: Path = []): Difference[] {
  if (before === undefined && after === undefined) return [];
  if (before === undefined) return [{ path, change: "add" }];
  if (after === undefined) return [{ path, change: "delete" }];
  if (isAsset(before) && isAsset(after)) {
    return before.sha256 === after.sha256 ? [] : [{ path, change: "update" }];
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const longer = before.length > after.length ? before : after;
    return longer.flatMap((_, index) => differences(before[index], after[index], [...path, index]));
  }
  if (isMap(before) && isMap(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => differences(before[key], after[key], [...path, key]));
  }
  return Object.is(before, after) ? [] : [{ path, change: "update" }];
}

function isAsset(value: unknown): value is LocalFile | OtherAsset {
  return value instanceof LocalFile || value instanceof OtherAsset;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isAsset(value);
}
