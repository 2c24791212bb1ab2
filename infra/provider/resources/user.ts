import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { absolutePath, accountName, byFields } from "../fields.ts";
import type { Host, PathSeen } from "../host/host.ts";
import type { Kind } from "../kind.ts";
import { HostResource, type Inputs } from "../resource.ts";
import { planUser, removeUser, secondKeyFile } from "./user-plan.ts";
import {
  account,
  authorizedKey,
  keyLines,
  passwordStatus,
  type Sudo,
  sudoersPath,
  sudoGranted,
  sudoRights,
} from "./user-texts.ts";

/** One account of a host. Its password is always locked: it logs in with an SSH key, or not at all. */
export interface UserArgs {
  /** Name of the account. Changing it replaces the account. */
  name: string;
  /** Number of the account, from 1. Left out, an existing one is kept and a new account gets the next free one. */
  uid?: number;
  /** Primary group, which must exist. Left out, an existing one is kept and a new account gets a group of its own name. */
  group?: string;
  /**
   * Exactly these further groups, which must exist.
   * @default []
   */
  groups?: string[];
  /** Home folder. Left out, an existing one is kept and a new account gets `/home/NAME`. Changing it moves the folder. */
  home?: string;
  /**
   * Login shell.
   * @default "/bin/bash"
   */
  shell?: string;
  /** Full name or purpose (the GECOS field). Left out, an existing one is kept. */
  comment?: string;
  /**
   * Exactly these SSH keys, as lines of an authorized_keys file.
   * @default []
   */
  authorizedKeys?: string[];
  /**
   * What the account may do through sudo: nothing, everything without a password, or rules of sudoers(5) without the
   * account's name. Rights that other files or groups give are not touched.
   * @default "none"
   */
  sudo?: Sudo;
  /**
   * Take over an account that exists already and differs. It stays on removal, with the groups, shell and keys it had.
   * @default false
   */
  adopt?: boolean;
  /**
   * Remove the home folder together with an account that we made.
   * @default false
   */
  removeHome?: boolean;
}

/** The arguments with defaults filled in. */
export interface UserWant {
  name: string;
  uid?: number;
  group?: string;
  groups: string[];
  home?: string;
  shell: string;
  comment?: string;
  authorizedKeys: string[];
  sudo: Sudo;
  adopt: boolean;
  removeHome: boolean;
}

/** The account as it is. Without one, what is left of it: its home folder, keys and sudo rules. */
export interface UserSeen {
  name: string;
  exists: boolean;
  uid?: number;
  group?: string;
  groups?: string[];
  home: string;
  shell?: string;
  comment?: string;
  authorizedKeys: string[];
  sudo: Sudo;
  /** `locked`, `set`, or `none`: one can log in without. */
  password?: "locked" | "set" | "none";
  /** Owner of the home folder, a number where no account has it; left out where there is no folder. */
  homeOwner?: string;
  /** What stands at `~/.ssh`. */
  sshFolder: "absent" | "directory" | "other";
  /** What has not the owner and mode that sshd and sudo insist on, or is a second file of keys. */
  unsafe: ("authorizedKeys" | "sudo")[];
}

/** What removal needs: whether we made the account, and else what it had before us. */
export interface UserMemory {
  made: boolean;
  removeHome: boolean;
  before?: Pick<UserSeen, "groups" | "shell" | "authorizedKeys" | "password">;
}

const sorted = (words: string[]) => [...new Set(words)].sort();
const passwdPath = absolutePath.refine(
  (path) => !/[:\p{Cc}]/u.test(path),
  "must hold no colon and no control character",
);

const fields = {
  name: accountName,
  uid: z.int().min(1).max(4_294_967_294).optional(),
  group: accountName.optional(),
  groups: z.array(accountName).default([]).transform(sorted),
  home: passwdPath.optional(),
  shell: passwdPath.default("/bin/bash"),
  comment: z
    .string()
    .regex(/^[^:\p{Cc}]*$/u, "must be one line without a colon")
    .optional(),
  authorizedKeys: z.array(authorizedKey).default([]).transform(sorted),
  sudo: sudoRights.default("none"),
  adopt: z.boolean().default(false),
  removeHome: z.boolean().default(false),
};

/**
 * One account: its groups, SSH keys and sudo rights are exactly those given, its password is locked. An account that was
 * adopted or imported stays on removal; one that we made goes, its home folder only with `removeHome`.
 *
 * Changes of an existing account are guarded: they stay only if we can still log in afterwards. So is the creation of the
 * account that we are to log in as: it stays only if it can.
 *
 * @example
 * new User("backup", { name: "backup-agent", shell: "/usr/sbin/nologin" });
 *
 * @example
 * new User("administrator", {
 *   name: "administrator",
 *   comment: "The vendor's one administrator",
 *   groups: ["adm"],
 *   authorizedKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl anna"],
 *   sudo: "all-nopasswd",
 * });
 */
export class User extends HostResource<UserArgs> {
  declare readonly name: Output<string>;
  declare readonly uid: Output<number>;
  /** Primary group. */
  declare readonly group: Output<string>;
  declare readonly groups: Output<string[]>;
  declare readonly home: Output<string>;
  declare readonly shell: Output<string>;
  declare readonly authorizedKeys: Output<string[]>;

  constructor(name: string, args: Inputs<UserArgs>, options?: CustomResourceOptions) {
    super(
      user.type,
      name,
      args,
      ["uid", "group", "home", "comment", "exists", "password", "homeOwner", "sshFolder", "unsafe"],
      options,
    );
  }
}

/** The lifecycle of `User`. */
export const user: Kind<UserWant, UserSeen, UserMemory> = {
  type: "onprem:linux:User",
  summary: "One account with exactly its groups, SSH keys and sudo rights, and no password.",
  fields,
  identity: ["name"],
  check: byFields<UserWant>(fields),
  named: (name) => (accountName.safeParse(name).success ? { name } : undefined),

  async observe(host, want) {
    const name = want.name ?? "";
    const guess = want.home ?? (name === "root" ? "/root" : `/home/${name}`);
    const [passwd, group, status, sudoers, guessed] = await Promise.all([
      text(host, "/etc/passwd"),
      text(host, "/etc/group"),
      // Exit 1: no such account.
      host.look(["passwd", "--status", "--", name], { exits: [0, 1] }),
      host.inspect(sudoersPath(name), { content: 64 * 1024 }),
      lookHome(host, guess),
    ]);
    const found = account(name, passwd, group);
    const imported = want.authorizedKeys === undefined;
    if (found === undefined && imported) return undefined;
    const home = found?.home ?? guess;
    const [folder, ssh, keys, second] = home === guess ? guessed : await lookHome(host, home);
    const [rules] = sudoers;
    const unsafe: UserSeen["unsafe"] = [];
    const proper = keys?.type === "file" && keys.owner === name && keys.mode === "0600";
    if (second !== undefined || (keys !== undefined && !(proper && sshSafe(ssh, name)))) unsafe.push("authorizedKeys");
    if (rules !== undefined && !sudoSafe(rules)) unsafe.push("sudo");
    return {
      name,
      exists: found !== undefined,
      ...found,
      home,
      authorizedKeys: sorted([...keysOf(keys), ...keysOf(second)]),
      sudo: sudoGranted(name, decoded(rules)),
      ...(found === undefined ? {} : { password: passwordStatus(status.stdout) }),
      ...(folder === undefined ? {} : { homeOwner: folder.owner }),
      sshFolder: ssh === undefined ? "absent" : ssh.type === "directory" ? "directory" : "other",
      unsafe,
    };
  },

  plan: planUser,
  remove: removeUser,

  refuse(want, seen, ours) {
    if (seen === undefined) return undefined;
    // Writing below a link would write wherever the account's owner pointed it.
    if (seen.sshFolder === "other" && (want.authorizedKeys.length > 0 || seen.authorizedKeys.length > 0)) {
      return { why: `${seen.home}/.ssh is not a folder`, remedy: "Look at what it is, and remove it on the host." };
    }
    if (ours || want.adopt || !seen.exists || planUser(want, seen).length === 0) return undefined;
    return {
      why: `the account ${want.name} exists already, was not made by this program, and differs`,
      remedy: "Set `adopt: true` to take it over; on removal it stays, with the groups, shell and keys it has now.",
    };
  },

  remember(want, seen, memory) {
    const { made = seen?.exists !== true, before } = memory ?? {};
    if (made) return { made, removeHome: want.removeHome };
    if (before !== undefined || seen === undefined) return { made, removeHome: false, ...(before && { before }) };
    const { groups, shell, authorizedKeys, password } = seen;
    return {
      made,
      removeHome: false,
      before: { ...(groups && { groups }), ...(shell && { shell }), authorizedKeys, ...(password && { password }) },
    };
  },

  guard(want, seen) {
    if (seen === undefined || (want === undefined && !seen.exists)) return undefined;
    const { home, name } = seen;
    const homes = want?.home === undefined || want.home === home ? [home] : [home, want.home];
    return {
      name: "account",
      files: [
        "/etc/passwd",
        "/etc/shadow",
        "/etc/group",
        "/etc/gshadow",
        "/etc/subuid",
        "/etc/subgid",
        sudoersPath(name),
        ...homes.flatMap((at) => [`${at}/.ssh/authorized_keys`, `${at}/${secondKeyFile}`]),
      ],
      restore: [],
      account: name,
      // A new account takes no way in from anybody; but if it is to be ours, it must prove that it works.
      ...(seen.exists ? {} : { onlyOurs: true }),
    };
  },
};

async function lookHome(host: Host, home: string) {
  const paths = [home, `${home}/.ssh`, `${home}/.ssh/authorized_keys`, `${home}/${secondKeyFile}`];
  return Promise.all(paths.map(async (path) => (await host.inspect(path, { content: 1024 * 1024 }))[0]));
}

/** As sudoers(5) demands; a file that is too long to be ours is not ours either. */
function sudoSafe({ type, owner, mode, content }: PathSeen): boolean {
  return type === "file" && owner === "root" && mode === "0440" && content !== undefined;
}

/** As sshd(8) demands with StrictModes, and so that nobody else reads it. */
function sshSafe(folder: PathSeen | undefined, name: string): boolean {
  return folder?.type === "directory" && folder.owner === name && folder.mode === "0700";
}

function keysOf(file: PathSeen | undefined): string[] {
  if (file === undefined) return [];
  return file.content === undefined ? [`(${file.path} cannot be read as a list of keys)`] : keyLines(decoded(file));
}

function decoded(file: PathSeen | undefined): string {
  return new TextDecoder().decode(file?.content);
}

async function text(host: Host, path: string): Promise<string> {
  return decoded((await host.inspect(path, { content: 16 * 1024 * 1024 }))[0]);
}
