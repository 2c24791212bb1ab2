import { createHash } from "node:crypto";
import type { InspectOptions, PathSeen } from "./host.ts";

/**
 * One path from the fields of an `entry` (remote.pl): path, type, owner, group, mode, size, mtime, then target, content
 * and SHA-256, empty where there is none; target and content begin with "=", for both may be empty themselves.
 */
export function pathSeen(fields: readonly Uint8Array[], options: InspectOptions): PathSeen {
  const [path = "", type, owner = "", group = "", mode = "", size, mtime] = fields.slice(0, 7).map(text);
  const target = text(fields[7]);
  const carried = fields[8];
  const content = carried !== undefined && carried.length > 0 ? carried.subarray(1) : undefined;
  // Short files travel even when only their hash is asked for; the hash is then ours to make.
  const sha256 =
    content !== undefined && options.hash ? createHash("sha256").update(content).digest("hex") : text(fields[9]);
  const asked = content !== undefined && (options.content ?? 0) > 0 && content.length <= (options.content ?? 0);
  return {
    path,
    type: type as PathSeen["type"],
    owner,
    group,
    mode,
    // What was read counts: files of /proc claim to be empty.
    size: content === undefined ? Number(size) : content.length,
    mtime: Number(mtime),
    ...(sha256 === "" ? {} : { sha256 }),
    // A copy: the bytes are part of a larger buffer that would stay in memory.
    ...(asked ? { content: new Uint8Array(content) } : {}),
    ...(target === "" ? {} : { target: target.slice(1) }),
  };
}

function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "" : new TextDecoder().decode(bytes);
}
