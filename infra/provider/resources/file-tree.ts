import type { asset, CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { absolutePath, accountName, byFields, fileMode, localFile } from "../fields.ts";
import type { Kind } from "../kind.ts";
import type { Problems } from "../problems.ts";
import { HostResource, type Inputs } from "../resource.ts";
import type { LocalFile } from "../step.ts";
import { checkConfidential, confidentialMode } from "./confidential.ts";
import { ancestors, at, byName, own, relativePathProblem, some } from "./tree-paths.ts";
import { planTree, removeTree } from "./tree-plan.ts";
import { agrees, maxContent, neededDirectories, survey } from "./tree-survey.ts";

/** One file of a tree. Exactly one of `content` and `source` is given. */
export interface TreeFileArgs {
  /** The text of the file, written as UTF-8; at most 1 MiB. May be a secret. */
  content?: string;
  /** A local file of any size, copied byte for byte. */
  source?: asset.FileAsset;
  /** Account that owns the file; without it, the tree's. */
  owner?: string;
  /** Group of the file; without it, the tree's. */
  group?: string;
  /** Permissions in octal; without them, the tree's. A file that holds a secret gets `0600` where neither is given. */
  mode?: string;
  /** A command that must accept the new file before it takes effect; the word `{}` becomes the path of the new file. */
  validate?: string[];
}

/** What a tree of files should be. */
export interface FileTreeArgs {
  /** Absolute path of the root. All below it is looked at, so it should hold little else. Changing it replaces the tree. */
  path: string;
  /** The files, by path relative to the root. Directories on the way are made. A file that leaves the map is removed. */
  files: Record<string, TreeFileArgs>;
  /**
   * Account that owns the files and the directories that we make.
   * @default "root"
   */
  owner?: string;
  /**
   * Group of the files and of the directories that we make.
   * @default "root"
   */
  group?: string;
  /**
   * Permissions of the files in octal.
   * @default "0644"
   */
  mode?: string;
  /**
   * Permissions in octal of the directories that we make; those that were there before stay as they are.
   * @default "0755"
   */
  directoryMode?: string;
  /**
   * What must not stand beside the files: patterns of paths relative to the root, with `*`, `?` and `**`; `["**"]` allows nothing else. Directories go only when all that they hold does.
   * @default []
   */
  purge?: string[];
  /**
   * Take over files that stand there already and differ. What they held is kept on the host and put back on removal.
   * @default false
   */
  adopt?: boolean;
}

/** A file with the tree's defaults filled in. */
export interface TreeFileWant {
  content?: string;
  source?: LocalFile;
  owner: string;
  group: string;
  mode: string;
  validate?: string[];
}

export interface FileTreeWant {
  path: string;
  files: Record<string, TreeFileWant>;
  owner: string;
  group: string;
  mode: string;
  directoryMode: string;
  purge: string[];
  adopt: boolean;
}

/** A file of ours as it stands, in the form in which it was asked for; or a stranger that `purge` forbids. */
export type TreeFileSeen =
  | {
      /** The text, where it is valid UTF-8 of at most 1 MiB. */
      content?: string;
      /** The file by its hash alone, where a local file was asked for. */
      source?: { readonly sha256: string };
      /** `directory`, `link` or `other`, when it is no regular file. */
      type?: string;
      owner: string;
      group: string;
      mode: string;
      validate?: string[];
    }
  | { stranger: string };

/** A directory that holds files of the tree; `type` when something else stands there. */
export interface DirectoryAttributes {
  type?: string;
  owner: string;
  group: string;
  mode: string;
}

/** What stands below the root, as far as it concerns us. */
export interface FileTreeSeen {
  path: string;
  files: Record<string, TreeFileSeen>;
  /** By path relative to the root, which is `.` itself. */
  directories: Record<string, DirectoryAttributes>;
  /** Directories that nothing needs any more and that will hold nothing, innermost first. */
  spent: string[];
  /** Files whose former content is kept for removal. */
  kept: string[];
  /** Files that this update wants for the first time, and that stand there already and differ. */
  unfamiliar: string[];
}

export interface FileTreeMemory {
  /** Directories that we made. */
  made: string[];
  /** Files that stood there before us and differed: removal puts them back. */
  adopted: string[];
}

const treeFile = z.strictObject({
  content: z
    .string()
    .refine((text) => Buffer.byteLength(text) <= maxContent, "must be at most 1 MiB; use source")
    .optional(),
  source: localFile.optional(),
  owner: accountName.optional(),
  group: accountName.optional(),
  mode: fileMode.optional(),
  validate: z.array(z.string()).min(1).optional(),
});

const fields = {
  path: absolutePath.refine((path) => path !== "/", "must not be the root directory"),
  files: z.record(z.string(), treeFile),
  owner: accountName.default("root"),
  group: accountName.default("root"),
  mode: fileMode.default("0644"),
  directoryMode: fileMode.default("0755"),
  purge: z.array(z.string()).default([]),
  adopt: z.boolean().default(false),
};

/**
 * Many files below one root, and what must not be among them, as one resource. Only files that differ are written.
 *
 * @example
 * new FileTree("snippets", { path: "/etc/app", files: { "app.conf": { content: "port = 8080\n" } } });
 *
 * @example
 * new FileTree("sites", {
 *   path: "/etc/app",
 *   files: {
 *     "app.conf": { source: new pulumi.asset.FileAsset("app.conf"), validate: ["app", "--check", "{}"] },
 *     "conf.d/token.conf": { content: token, mode: "0600" },
 *   },
 *   owner: "app",
 *   group: "app",
 *   mode: "0640",
 *   directoryMode: "0750",
 *   purge: ["conf.d/**"],
 * });
 */
export class FileTree extends HostResource<FileTreeArgs> {
  declare readonly path: Output<string>;
  declare readonly owner: Output<string>;
  declare readonly group: Output<string>;
  declare readonly mode: Output<string>;

  constructor(name: string, args: Inputs<FileTreeArgs>, options?: CustomResourceOptions) {
    super(fileTree.type, name, args, ["directories", "spent", "kept", "unfamiliar"], options);
  }
}

const checkFields = byFields<FileTreeWant>(fields, (want, problems) => {
  for (const [index, pattern] of (want.purge ?? []).entries()) {
    const problem = relativePathProblem(pattern);
    if (problem !== undefined) problems.add(["purge", index], `${problem}; given: ${JSON.stringify(pattern)}`);
  }
  if (want.files === undefined) return;
  checkFiles(want.files, problems);
  want.files = withDefaults(want);
  for (const [name, { mode }] of Object.entries(want.files)) {
    if (problems.isSecret("files", name)) checkConfidential(mode, ["files", name, "mode"], problems);
  }
});

/** The lifecycle of `FileTree`. */
export const fileTree: Kind<FileTreeWant, FileTreeSeen, FileTreeMemory> = {
  type: "onprem:linux:FileTree",
  summary: "Many files below one root, and what must not be among them.",
  fields,
  identity: ["path"],
  confidential: ["files"],
  check: (given, problems) => checkFields(confidentially(given, problems), problems),
  named: (id) => (id.startsWith("/") ? { path: id } : undefined),
  observe: survey,
  plan: planTree,
  remove: removeTree,

  refuse(want, seen, ours) {
    if (seen === undefined) return undefined;
    for (const name of neededDirectories(Object.keys(want.files))) {
      const type = own(seen.directories, name)?.type;
      const goes = Object.hasOwn(seen.files, name) && !Object.hasOwn(want.files, name);
      if (type !== undefined && !goes) return { why: `${at(seen.path, name)} should be a directory and is a ${type}` };
    }
    for (const name of Object.keys(want.files)) {
      const file = own(seen.files, name);
      if (file !== undefined && "type" in file && file.type === "directory" && !seen.spent.includes(name)) {
        return { why: `${at(seen.path, name)} is a directory` };
      }
    }
    if (want.adopt) return undefined;
    const theirs = ours ? seen.unfamiliar : differing(want, seen);
    if (theirs.length === 0) return undefined;
    return {
      why: `below ${seen.path} there are files that were not made by this program and differ: ${some(theirs)}`,
      remedy:
        "Set `adopt: true` to take them over (what they hold is kept and put back on removal), or remove them on the host.",
    };
  },

  remember(want, seen, memory) {
    const needed = neededDirectories(Object.keys(want.files));
    const missing = needed.filter((name) => {
      const there = own(seen?.directories ?? {}, name);
      return there === undefined || there.type !== undefined;
    });
    const theirs = seen === undefined ? [] : memory === undefined ? differing(want, seen) : seen.unfamiliar;
    return { made: union(memory?.made, missing), adopted: union(memory?.adopted, theirs) };
  },
};

function checkFiles(files: FileTreeWant["files"], problems: Problems): void {
  for (const [name, file] of Object.entries(files)) {
    const problem = relativePathProblem(name);
    if (problem !== undefined) problems.add(["files", name], `the path ${problem}`);
    if ((file.content === undefined) === (file.source === undefined)) {
      problems.add(["files", name], "exactly one of content and source must be given");
    }
    const above = ancestors(name).find((directory) => Object.hasOwn(files, directory));
    if (above !== undefined) problems.add(["files", name], `the file ${above} stands where a directory is needed`);
  }
}

/** A file that holds a secret is its owner's alone, unless the program says otherwise for it or for the tree. */
function confidentially(given: Partial<FileTreeWant>, problems: Problems): Partial<FileTreeWant> {
  const { files } = given;
  if (given.mode !== undefined || problems.isUnknown("mode") || typeof files !== "object" || files === null)
    return given;
  const closed = Object.entries(files).map(([name, file]) =>
    problems.isSecret("files", name) && typeof file === "object"
      ? [name, { ...file, mode: file.mode ?? confidentialMode }]
      : [name, file],
  );
  return { ...given, files: Object.fromEntries(closed) };
}

/** Every file with the tree's defaults, so that each difference shows at the file that has it. */
function withDefaults({ files, owner, group, mode }: FileTreeWant): Record<string, TreeFileWant> {
  const filled = (file: Partial<TreeFileWant>) => ({
    ...file,
    owner: file.owner ?? owner,
    group: file.group ?? group,
    mode: file.mode ?? mode,
  });
  return Object.fromEntries(Object.entries(files).map(([name, file]) => [name, filled(file)]));
}

function differing(want: FileTreeWant, seen: FileTreeSeen): string[] {
  return Object.keys(want.files)
    .filter((name) => Object.hasOwn(seen.files, name) && !agrees(own(want.files, name), own(seen.files, name)))
    .sort(byName);
}

function union(known: readonly string[] | undefined, more: readonly string[]): string[] {
  return [...new Set([...(known ?? []), ...more])].sort(byName);
}
