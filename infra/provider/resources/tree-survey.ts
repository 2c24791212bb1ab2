import { createHash } from "node:crypto";
import type { Host, PathSeen } from "../host/host.ts";
import { LocalFile } from "../step.ts";
import type { DirectoryAttributes, FileTreeSeen, FileTreeWant, TreeFileSeen, TreeFileWant } from "./file-tree.ts";
import { keptAt, keptFolder } from "./kept.ts";
import { ancestors, byName, matcher, parent } from "./tree-paths.ts";

/** Longest text of one file: 1 MiB. */
export const maxContent = 1024 * 1024;

/**
 * Looks at a tree in one round trip; a second one fetches the text of what differs, for the diff. `undefined` when
 * there is no root. Without `files` (import) every regular file that holds text is seen.
 */
export async function survey(
  host: Host,
  want: Partial<FileTreeWant>,
  prior?: Partial<FileTreeWant>,
): Promise<FileTreeSeen | undefined> {
  const path = want.path ?? "";
  const options = { recursive: true, hash: true, content: want.files === undefined ? maxContent : 0 };
  const [found, kept] = await Promise.all([host.inspect(path, options), host.inspect(keptFolder, { recursive: true })]);
  if (found.length === 0) return undefined;
  const standing = new Map(found.map((seen) => [seen.path === path ? "." : seen.path.slice(path.length + 1), seen]));
  const wanted = new Map(Object.entries(want.files ?? {}));
  const before = new Map(Object.entries(prior?.files ?? {}));
  const dropped = droppedFiles(wanted, before, standing);
  const ours = new Map([...dropped, ...wanted]);

  const texts = await differingTexts(host, ours, standing);
  const files = new Map<string, TreeFileSeen>(want.files === undefined ? everyText(standing) : []);
  for (const [name, file] of ours) {
    const seen = standing.get(name);
    if (seen !== undefined) files.set(name, fileSeen(file, seen, texts.get(name)));
  }
  const { strangers, spent } = sorted(standing, wanted, dropped, want.purge ?? [], before);
  for (const name of strangers) files.set(name, { stranger: standing.get(name)?.type ?? "other" });

  const copies = new Set(kept.map((copy) => copy.path));
  const names = [...ours.keys()].sort(byName);
  const isUnfamiliar = (name: string) =>
    prior !== undefined &&
    !before.has(name) &&
    files.has(name) &&
    !spent.includes(name) &&
    !agrees(wanted.get(name), files.get(name));
  return {
    path,
    files: Object.fromEntries([...files].sort(([one], [other]) => byName(one, other))),
    directories: directoriesSeen(standing, [...neededDirectories(wanted.keys()), ...spent]),
    spent,
    kept: names.filter((name) => copies.has(keptAt(`${path}/${name}`))),
    unfamiliar: names.filter(isUnfamiliar),
  };
}

/** Whether the bytes are the wanted ones, in a regular file. */
export function agrees(want: TreeFileWant | undefined, seen: TreeFileSeen | undefined): boolean {
  if (want === undefined || seen === undefined || "stranger" in seen || seen.type !== undefined) return false;
  return want.source === undefined ? seen.content === want.content : seen.source?.sha256 === want.source.sha256;
}

/** The directories that hold the wanted files, the root (`.`) first. */
export function neededDirectories(names: Iterable<string>): string[] {
  return [".", ...[...new Set([...names].flatMap(ancestors))].sort(byName)];
}

type Standing = ReadonlyMap<string, PathSeen>;
type Files = ReadonlyMap<string, TreeFileWant>;

/** What the last update made and this one does not want. A stranger that a refresh saw has neither content nor source. */
function droppedFiles(wanted: Files, before: Files, standing: Standing): Files {
  const isOurs = ([name, file]: [string, TreeFileWant]) =>
    !wanted.has(name) &&
    (file.content !== undefined || file.source !== undefined) &&
    standing.get(name)?.type === "file";
  return new Map([...before].filter(isOurs));
}

async function differingTexts(host: Host, files: Files, standing: Standing): Promise<Map<string, string>> {
  const differing = [...files].flatMap(([name, { content }]) => {
    const seen = standing.get(name);
    if (content === undefined || seen?.type !== "file" || seen.size > maxContent) return [];
    return seen.sha256 === sha256(content) ? [] : [{ name, path: seen.path }];
  });
  const texts = await Promise.all(
    differing.map(async ({ name, path }) => {
      const [seen] = await host.inspect(path, { content: maxContent });
      return [name, decode(seen?.content)] as const;
    }),
  );
  return new Map(texts.filter((entry): entry is readonly [string, string] => entry[1] !== undefined));
}

function fileSeen(want: TreeFileWant, seen: PathSeen, text: string | undefined): TreeFileSeen {
  const { owner, group, mode, type } = seen;
  const validate = want.validate === undefined ? {} : { validate: want.validate };
  if (type !== "file") return { type, owner, group, mode, ...validate };
  if (want.source !== undefined)
    return { source: new LocalFile("", seen.sha256 ?? ""), owner, group, mode, ...validate };
  const content = seen.sha256 === sha256(want.content ?? "") ? want.content : text;
  return { ...(content === undefined ? {} : { content }), owner, group, mode, ...validate };
}

function everyText(standing: Standing): [string, TreeFileSeen][] {
  return [...standing].flatMap(([name, { type, owner, group, mode, content: bytes }]): [string, TreeFileSeen][] => {
    const content = type === "file" ? decode(bytes) : undefined;
    return content === undefined ? [] : [[name, { content, owner, group, mode }]];
  });
}

/**
 * Sorts what nobody wants: `strangers` match a pattern of `purge` (a directory only if all that it holds goes too);
 * `spent` are directories of the last update that nothing needs any more and that will hold nothing.
 */
function sorted(
  standing: Standing,
  wanted: Files,
  dropped: Files,
  purge: readonly string[],
  before: Files,
): { strangers: string[]; spent: string[] } {
  const purged = matcher(purge);
  const formerly = new Set([...before.keys()].flatMap(ancestors));
  const strangers: string[] = [];
  const spent: string[] = [];
  const staying = new Set(neededDirectories(wanted.keys()));
  // What a directory holds sorts after it: from the end, each directory comes when the fate of its contents is known.
  for (const name of [...standing.keys()].sort(byName).reverse()) {
    if (name === "." || dropped.has(name)) continue;
    const isDirectory = standing.get(name)?.type === "directory";
    const isSpent = isDirectory && formerly.has(name) && !staying.has(name);
    if (isSpent) spent.push(name);
    if (wanted.has(name) || staying.has(name)) staying.add(parent(name));
    else if (isSpent) continue;
    else if (purged(name)) strangers.push(name);
    else staying.add(parent(name));
  }
  return { strangers, spent };
}

function directoriesSeen(standing: Standing, names: readonly string[]): Record<string, DirectoryAttributes> {
  return Object.fromEntries(
    [...names].sort(byName).flatMap((name) => {
      const seen = standing.get(name);
      if (seen === undefined) return [];
      const { type, owner, group, mode } = seen;
      return [[name, { ...(type === "directory" ? {} : { type }), owner, group, mode }]];
    }),
  );
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Text if the bytes are valid UTF-8: a lossy text could never agree with what is wanted. */
function decode(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
