import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { absolutePath, accountName, byFields, fileMode } from "../fields.ts";
import type { Kind } from "../kind.ts";
import { HostResource, type Inputs } from "../resource.ts";
import { run, type Step } from "../step.ts";

/** What a directory should be. What it holds is not looked at. */
export interface DirectoryArgs {
  /** Absolute path on the host; the directory above it must exist. Changing it replaces the directory. */
  path: string;
  /**
   * Account that owns the directory.
   * @default "root"
   */
  owner?: string;
  /**
   * Group of the directory.
   * @default "root"
   */
  group?: string;
  /**
   * Permissions in octal.
   * @default "0755"
   */
  mode?: string;
  /**
   * Take over a directory that stands there already with another owner, group or mode; removal puts those back and leaves the directory.
   * @default false
   */
  adopt?: boolean;
  /**
   * Remove what it holds too when the directory is removed; what is mounted below stays. Without it, removal refuses a directory that is not empty.
   * @default false
   */
  removeContents?: boolean;
  /**
   * Others put things in, too: removal leaves the directory while it holds something.
   * @default false
   */
  shared?: boolean;
}

interface DirectoryWant {
  path: string;
  owner: string;
  group: string;
  mode: string;
  adopt: boolean;
  removeContents: boolean;
  shared: boolean;
}

/** What stands at the path. */
export interface DirectorySeen {
  path: string;
  /** `file`, `directory`, `link` or `other`. */
  type: string;
  owner: string;
  group: string;
  mode: string;
}

interface DirectoryMemory {
  /** Owner, group and mode of the directory that stood there before us: it stays when we go. */
  before?: { owner: string; group: string; mode: string };
  removeContents: boolean;
  /** Absent in what an earlier version has remembered. */
  shared?: boolean;
}

const fields = {
  path: absolutePath.refine((path) => path !== "/", "must not be the root directory"),
  owner: accountName.default("root"),
  group: accountName.default("root"),
  mode: fileMode.default("0755"),
  adopt: z.boolean().default(false),
  removeContents: z.boolean().default(false),
  shared: z.boolean().default(false),
};

/**
 * One directory with its owner and permissions.
 *
 * @example
 * new Directory("data", { path: "/srv/data" });
 *
 * @example
 * new Directory("backup", { path: "/srv/backup", owner: "backup", group: "backup", mode: "2750", removeContents: true });
 */
export class Directory extends HostResource<DirectoryArgs> {
  declare readonly path: Output<string>;
  declare readonly owner: Output<string>;
  declare readonly group: Output<string>;
  declare readonly mode: Output<string>;

  constructor(name: string, args: Inputs<DirectoryArgs>, options?: CustomResourceOptions) {
    super(directory.type, name, args, ["type"], options);
  }
}

/** The lifecycle of `Directory`. */
export const directory: Kind<DirectoryWant, DirectorySeen, DirectoryMemory> = {
  type: "onprem:linux:Directory",
  summary: "One directory with its owner and permissions.",
  fields,
  identity: ["path"],
  check: byFields<DirectoryWant>(fields),
  named: (id) => (id.startsWith("/") ? { path: id } : undefined),

  async observe(host, want) {
    const path = want.path ?? "";
    const [seen] = await host.inspect(path);
    if (seen === undefined) return undefined;
    return { path, type: seen.type, owner: seen.owner, group: seen.group, mode: seen.mode };
  },

  plan(want, seen) {
    if (seen !== undefined) return attributes(want, seen);
    return [
      // Closed until it has its owner; what a parent's set-group-id bit would pass on is overwritten.
      run(`make the directory ${want.path}`, ["mkdir", "-m", "0700", "--", want.path], { property: "path" }),
      give(want, "owner"),
      setMode(want),
    ];
  },

  remove(seen, memory) {
    if (seen.type !== "directory") return [];
    if (memory?.before !== undefined) return attributes({ path: seen.path, ...memory.before }, seen);
    if (memory?.removeContents) {
      return [
        run(`remove ${seen.path} and what it holds`, ["rm", "-rf", "--one-file-system", "--", seen.path], {
          deadline: 600,
        }),
      ];
    }
    if (memory?.shared) {
      return [run(`remove ${seen.path} if it is empty`, ["rmdir", "--ignore-fail-on-non-empty", "--", seen.path])];
    }
    const title = `remove ${seen.path}, which must be empty unless removeContents is true,`;
    return [run(title, ["rmdir", "--", seen.path])];
  },

  refuse(want, seen, ours) {
    if (seen === undefined) return undefined;
    if (seen.type !== "directory") return { why: `${want.path} exists already and is no directory but a ${seen.type}` };
    if (ours || want.adopt || this.plan(want, seen).length === 0) return undefined;
    return {
      why: `the directory ${want.path} exists already, was not made by this program, and differs: ${seen.owner}:${seen.group} ${seen.mode}`,
      remedy: "Set `adopt: true` to take it over (removal puts owner and mode back), or ask for what is there.",
    };
  },

  remember(want, seen, memory) {
    const before =
      memory === undefined ? seen && { owner: seen.owner, group: seen.group, mode: seen.mode } : memory.before;
    return { ...(before === undefined ? {} : { before }), removeContents: want.removeContents, shared: want.shared };
  },

  foresee: () => ({ type: "directory" }),
};

type Attributes = Pick<DirectoryWant, "path" | "owner" | "group" | "mode">;

function attributes(want: Attributes, seen: DirectorySeen): Step[] {
  return [
    ...(seen.owner !== want.owner ? [give(want, "owner")] : seen.group !== want.group ? [give(want, "group")] : []),
    ...(seen.mode !== want.mode ? [setMode(want)] : []),
  ];
}

function give(want: Attributes, property: string): Step {
  const account = `${want.owner}:${want.group}`;
  return run(`give ${want.path} to ${account}`, ["chown", "-h", "--", account, want.path], { property });
}

/** Five digits: with fewer, chmod(1) leaves a directory's set-user-id and set-group-id bits as they are. */
function setMode(want: Attributes): Step {
  return run(`set mode ${want.mode} on ${want.path}`, ["chmod", "--", `0${want.mode}`, want.path], {
    property: "mode",
  });
}
