import { createHash } from "node:crypto";
import type { asset, CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { absolutePath, accountName, byFields, fileMode, localFile } from "../fields.ts";
import type { Kind } from "../kind.ts";
import { HostResource, type Inputs } from "../resource.ts";
import { LocalFile, run, type Step, write } from "../step.ts";
import { checkConfidential, confidentialMode } from "./confidential.ts";
import { keep, keptAt, putBack } from "./kept.ts";

/** What a file should be. Exactly one of `content` and `source` is given. */
export interface FileArgs {
  /** Absolute path on the host. Changing it replaces the file. */
  path: string;
  /** The text of the file, written as UTF-8; at most 1 MiB. May be a secret. */
  content?: string;
  /** A local file of any size, copied byte for byte. */
  source?: asset.FileAsset;
  /**
   * Account that owns the file.
   * @default "root"
   */
  owner?: string;
  /**
   * Group of the file.
   * @default "root"
   */
  group?: string;
  /**
   * Permissions in octal. Without them, a file whose content is a secret gets `0600`.
   * @default "0644"
   */
  mode?: string;
  /** A command that must accept the new file before it takes effect; the word `{}` becomes the path of the new file. */
  validate?: string[];
  /**
   * Take over a file that stands there already and differs. What it held is kept on the host and put back on removal.
   * @default false
   */
  adopt?: boolean;
}

interface FileWant {
  path: string;
  content?: string;
  source?: LocalFile;
  owner: string;
  group: string;
  mode: string;
  validate?: string[];
  adopt: boolean;
}

/** What stands at the path. */
export interface FileSeen {
  path: string;
  /** `file`, `directory`, `link` or `other`. */
  type: string;
  /** The text, for files of at most 1 MiB that hold valid UTF-8. */
  content?: string;
  /** The file by its hash alone, where a local file was asked for. */
  source?: LocalFile;
  /** Hexadecimal SHA-256 of the bytes. */
  sha256: string;
  owner: string;
  group: string;
  mode: string;
  /** Whether what stood there before us is kept for removal. */
  kept: boolean;
}

/** Whether a file stood there before us and differed: removal then puts it back. */
interface FileMemory {
  adopted: boolean;
}

const maxContent = 1024 * 1024;

const fields = {
  path: absolutePath,
  content: z
    .string()
    .refine((text) => Buffer.byteLength(text) <= maxContent, "must be at most 1 MiB; use source")
    .optional(),
  source: localFile.optional(),
  owner: accountName.default("root"),
  group: accountName.default("root"),
  mode: fileMode.default("0644"),
  validate: z.array(z.string()).min(1).optional(),
  adopt: z.boolean().default(false),
};

/**
 * One file with its content, owner and permissions, written atomically.
 *
 * @example
 * new File("motd", { path: "/etc/motd", content: "Managed by Pulumi.\n" });
 *
 * @example
 * new File("sudoers", {
 *   path: "/etc/sudoers.d/10-deploy",
 *   content: "deploy ALL=(ALL) NOPASSWD: ALL\n",
 *   mode: "0440",
 *   validate: ["visudo", "-cf", "{}"],
 * });
 */
export class File extends HostResource<FileArgs> {
  declare readonly path: Output<string>;
  declare readonly content: Output<string | undefined>;
  declare readonly owner: Output<string>;
  declare readonly group: Output<string>;
  declare readonly mode: Output<string>;
  /** Hexadecimal SHA-256 of the bytes; known in preview. */
  declare readonly sha256: Output<string>;

  constructor(name: string, args: Inputs<FileArgs>, options?: CustomResourceOptions) {
    super(file.type, name, args, ["sha256", "type", "kept"], options);
  }
}

const checkFields = byFields<FileWant>(fields);

/** The lifecycle of `File`. */
export const file: Kind<FileWant, FileSeen, FileMemory> = {
  type: "onprem:linux:File",
  summary: "One file with its content, owner and permissions, written atomically.",
  fields,
  identity: ["path"],
  confidential: ["content", "source"],
  check(given, problems) {
    const secret = problems.isSecret("content") || problems.isSecret("source");
    const want = checkFields(secret ? { mode: confidentialMode, ...given } : given, problems);
    const contents = (["content", "source"] as const).filter(
      (key) => problems.isUnknown(key) || given[key] !== undefined,
    );
    if (contents.length !== 1) problems.add("content", "exactly one of content and source must be given");
    if (secret) checkConfidential(want.mode, ["mode"], problems);
    return want;
  },
  named: (id) => (id.startsWith("/") ? { path: id } : undefined),

  async observe(host, want) {
    const path = want.path ?? "";
    // Both at once: they travel together, and one round trip is all that an unchanged file costs.
    const [[seen], [kept]] = await Promise.all([
      host.inspect(path, { hash: true, content: want.source === undefined ? maxContent : 0 }),
      host.inspect(keptAt(path)),
    ]);
    if (seen === undefined) return undefined;
    const text = seen.content === undefined ? undefined : decode(seen.content);
    return {
      path,
      type: seen.type,
      ...(text === undefined ? {} : { content: text }),
      ...(want.source === undefined ? {} : { source: new LocalFile("", seen.sha256 ?? "") }),
      sha256: seen.sha256 ?? "",
      owner: seen.owner,
      group: seen.group,
      mode: seen.mode,
      kept: kept !== undefined,
    };
  },

  plan(want, seen, memory) {
    const steps: Step[] = [];
    if (seen?.type === "file" && seen.sha256 === wantedHash(want)) {
      if (seen.owner !== want.owner || seen.group !== want.group) {
        const argv = ["chown", "--", `${want.owner}:${want.group}`, want.path];
        const property = seen.owner === want.owner ? "group" : "owner";
        steps.push(run(`give ${want.path} to ${want.owner}:${want.group}`, argv, { property }));
      }
      // After chown, which clears the set-user-id and set-group-id bits (chown(2)).
      if (seen.mode !== want.mode || steps.length > 0) {
        steps.push(
          run(`set mode ${want.mode} on ${want.path}`, ["chmod", "--", want.mode, want.path], { property: "mode" }),
        );
      }
      return steps;
    }
    return [
      ...(seen !== undefined && memory?.adopted && !seen.kept ? keep(want.path) : []),
      write(`write ${want.path}`, {
        path: want.path,
        content: want.source ?? want.content ?? "",
        owner: want.owner,
        group: want.group,
        mode: want.mode,
        ...(want.validate === undefined ? {} : { validate: want.validate }),
        property: want.source === undefined ? "content" : "source",
      }),
    ];
  },

  remove(seen, memory) {
    if (!memory?.adopted) return [run(`remove ${seen.path}`, ["rm", "-f", "--", seen.path])];
    // An interrupted removal may have put it back already; then what stands there is not ours.
    return seen.kept ? [putBack(seen.path)] : [];
  },

  refuse(want, seen, ours) {
    if (seen === undefined) return undefined;
    if (seen.type === "directory") return { why: `${want.path} is a directory` };
    if (ours || want.adopt || this.plan(want, seen).length === 0) return undefined;
    return {
      why: `${want.path} exists already, was not made by this program, and differs`,
      remedy:
        "Set `adopt: true` to take it over (what it holds is kept and put back on removal), or remove it on the host.",
    };
  },

  remember(want, seen, memory) {
    return memory ?? { adopted: seen !== undefined && this.plan(want, seen).length > 0 };
  },

  foresee: (want) => ({ type: "file", sha256: wantedHash(want) }),
};

function wantedHash(want: FileWant): string {
  return (
    want.source?.sha256 ??
    createHash("sha256")
      .update(want.content ?? "")
      .digest("hex")
  );
}

/** Text if the bytes are valid UTF-8: a lossy text could never agree with what is wanted. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
