import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { byFields } from "../fields.ts";
import type { PathSeen } from "../host/host.ts";
import type { Kind } from "../kind.ts";
import { HostResource, type Inputs } from "../resource.ts";
import { run, type Step, write } from "../step.ts";
import {
  contradictions,
  dropInFile,
  dropInFolder,
  dropInText,
  effective,
  mainFile,
  type OtherFiles,
  otherFiles,
  type SshdEffective,
  type SshdSettings,
} from "./sshd-config.ts";

/** What the SSH server allows. The defaults are the hardened values. */
export interface SshdArgs {
  /**
   * Whether root may log in: not at all, or with a key.
   * @default "no"
   */
  permitRootLogin?: "no" | "prohibit-password";
  /**
   * Whether a password opens the door.
   * @default false
   */
  passwordAuthentication?: boolean;
  /**
   * Whether what PAM asks for opens the door: passwords too, or one-time codes.
   * @default false
   */
  keyboardInteractive?: boolean;
  /** Only these accounts may log in: patterns of sshd_config(5), such as `anna` or `deploy@10.0.0.0/8`. Left out, all may. */
  allowUsers?: string[];
  /** Only members of these groups may log in. Left out, all may. */
  allowGroups?: string[];
  /**
   * Attempts to log in that one connection has, from 1 to 100. Each key that a client offers counts.
   * @default 4
   */
  maxAuthTries?: number;
  /**
   * Seconds until a connection must have logged in, from 1 to 3,600.
   * @default 30
   */
  loginGraceTime?: number;
  /**
   * Seconds of silence after which a client is asked whether it is there, up to 3,600; 0 means never.
   * @default 60
   */
  clientAliveInterval?: number;
  /**
   * Unanswered questions after which a client is cut off, from 1 to 100.
   * @default 3
   */
  clientAliveCountMax?: number;
  /**
   * Which tunnels clients may open through the server.
   * @default "no"
   */
  tcpForwarding?: "no" | "local" | "remote" | "yes";
  /**
   * Whether clients may take their agent along.
   * @default false
   */
  agentForwarding?: boolean;
  /**
   * Whether clients may show windows of the server.
   * @default false
   */
  x11Forwarding?: boolean;
  /**
   * How much the server logs; `VERBOSE` names the key that opened the door.
   * @default "VERBOSE"
   */
  logLevel?: "INFO" | "VERBOSE";
  /**
   * Patterns of algorithms that are taken away from the server's defaults: ciphers, MACs, key exchange, keys of hosts and
   * users.
   * @default ["*-cbc","3des*","arcfour*","diffie-hellman-group-exchange-*","diffie-hellman-group1-*","diffie-hellman-group14-*","ecdh-sha2-nistp*","hmac-md5*","hmac-sha1*","hmac-sha2-256","hmac-sha2-512","ssh-dss*","ssh-rsa","ssh-rsa-cert*","umac-128@openssh.com","umac-64*"]
   */
  withoutAlgorithms?: string[];
  /**
   * Patterns of host keys that the server does not show, on top of those. Clients that have pinned one of them are shut out.
   * @default ["ecdsa-*"]
   */
  withoutHostKeys?: string[];
}

/** What the SSH server allows, and why. The settings are missing where its configuration is broken. */
export interface SshdSeen extends Partial<SshdEffective>, OtherFiles {
  installed: boolean;
  /** What sshd says of a configuration that it refuses. */
  problem?: string;
  /** The text of our file; left out where there is none of root's. */
  dropIn?: string;
  /** Whether the running server has read its files since they were changed last. */
  loaded: boolean;
}

const algorithms = [
  "*-cbc",
  "3des*",
  "arcfour*",
  "diffie-hellman-group-exchange-*",
  "diffie-hellman-group1-*",
  "diffie-hellman-group14-*",
  "ecdh-sha2-nistp*",
  "hmac-md5*",
  "hmac-sha1*",
  // Of these only the forms that authenticate what is encrypted already stay.
  "hmac-sha2-256",
  "hmac-sha2-512",
  "ssh-dss*",
  "ssh-rsa",
  "ssh-rsa-cert*",
  "umac-128@openssh.com",
  "umac-64*",
];

const hostKeys = ["ecdsa-*"];

const sorted = (words: string[]) => [...new Set(words)].sort();
const allowed = z
  .array(
    z
      .string()
      .regex(/^[A-Za-z0-9_*?!][A-Za-z0-9_.*?!@:/-]*$/, "must be a pattern of accounts or groups, without white space"),
  )
  .min(1)
  .transform(sorted)
  .optional();

const algorithmPattern = z
  .string()
  .regex(/^[a-z0-9*?][a-z0-9@.*?-]*$/, "must be a pattern of algorithms, such as hmac-sha1*");

const fields = {
  permitRootLogin: z.enum(["no", "prohibit-password"]).default("no"),
  passwordAuthentication: z.boolean().default(false),
  keyboardInteractive: z.boolean().default(false),
  allowUsers: allowed,
  allowGroups: allowed,
  maxAuthTries: z.int().min(1).max(100).default(4),
  loginGraceTime: z.int().min(1).max(3600).default(30),
  clientAliveInterval: z.int().min(0).max(3600).default(60),
  clientAliveCountMax: z.int().min(1).max(100).default(3),
  tcpForwarding: z.enum(["no", "local", "remote", "yes"]).default("no"),
  agentForwarding: z.boolean().default(false),
  x11Forwarding: z.boolean().default(false),
  logLevel: z.enum(["INFO", "VERBOSE"]).default("VERBOSE"),
  withoutAlgorithms: z.array(algorithmPattern).default(algorithms).transform(sorted),
  withoutHostKeys: z.array(algorithmPattern).default(hostKeys).transform(sorted),
};

/**
 * The SSH server: hardened by a file in /etc/ssh/sshd_config.d, compared with what the server itself says is in force
 * (`sshd -T`), and loaded. There is one per server. Changes are guarded: they stay only if we can still log in afterwards.
 *
 * Match blocks of other files still hold for the connections that they name; there is a warning where they allow more.
 *
 * @example
 * new Sshd("sshd", {});
 *
 * @example
 * new Sshd("sshd", { permitRootLogin: "prohibit-password", allowUsers: ["root", "anna@10.0.0.0/8"], tcpForwarding: "local" });
 *
 * @importId `sshd`.
 */
export class Sshd extends HostResource<SshdArgs> {
  declare readonly permitRootLogin: Output<"no" | "prohibit-password">;
  declare readonly passwordAuthentication: Output<boolean>;
  declare readonly allowUsers: Output<string[] | undefined>;
  declare readonly allowGroups: Output<string[] | undefined>;
  declare readonly tcpForwarding: Output<"no" | "local" | "remote" | "yes">;
  /** The text of our file. */
  declare readonly dropIn: Output<string | undefined>;

  constructor(name: string, args: Inputs<SshdArgs>, options?: CustomResourceOptions) {
    super(
      sshd.type,
      name,
      args,
      [...Object.keys(fields), "dropIn", "installed", "included", "others", "weakened", "loaded", "problem"],
      options,
    );
  }
}

/** The lifecycle of `Sshd`. */
export const sshd: Kind<SshdSettings, SshdSeen> = {
  type: "onprem:linux:Sshd",
  summary: "The SSH server, hardened, as it says itself that it is.",
  fields,
  identity: [],
  check: byFields<SshdSettings>(fields),
  id: () => "sshd",
  named: (id) => (id === "sshd" ? {} : undefined),

  async observe(host, want) {
    const [dump, [main], folder, unit] = await Promise.all([
      // 127: not installed. Any other failure: a configuration that it refuses.
      host.look(["sshd", "-T"], { exits: [0, 1, 127, 255] }),
      host.inspect(mainFile, { content: 1024 * 1024 }),
      host.inspect(dropInFolder, { content: 1024 * 1024, recursive: true }),
      // `systemctl show` says this to the second only.
      host.look([
        "busctl",
        "--json=short",
        "get-property",
        "org.freedesktop.systemd1",
        "/org/freedesktop/systemd1/unit/ssh_2eservice",
        "org.freedesktop.systemd1.Unit",
        "ActiveState",
        "StateChangeTimestamp",
      ]),
    ]);
    const files = folder.map((file) => ({ path: file.path, text: decoded(file) }));
    const ours = folder.find(({ path }) => path === dropInFile);
    const owned = ours?.type === "file" && ours.owner === "root" && ours.mode === "0644";
    return {
      installed: dump.code !== 127,
      ...(dump.code === 0
        ? effective(dump.stdout, { withoutAlgorithms: algorithms, withoutHostKeys: hostKeys, ...want })
        : { problem: firstLine(dump.stderr) }),
      ...otherFiles(decoded(main), files),
      ...(owned ? { dropIn: decoded(ours) } : {}),
      loaded: loaded(unit.stdout, [...(main === undefined ? [] : [main]), ...folder]),
    };
  },

  plan(want, seen) {
    const { weakened = [], problem } = seen ?? {};
    const steps: Step[] = [];
    const differing = (Object.keys(want) as (keyof SshdSettings)[]).find(
      (key) => problem === undefined && JSON.stringify(seen?.[key]) !== JSON.stringify(want[key]),
    );
    if (seen?.dropIn !== dropInText(want) || differing !== undefined || weakened.length > 0) {
      steps.push(
        write("write the settings of sshd", {
          path: dropInFile,
          content: dropInText(want),
          owner: "root",
          group: "root",
          mode: "0644",
          validate: ["sshd", "-t", "-f", "{}"],
          property: differing ?? (weakened.length > 0 ? "weakened" : "dropIn"),
        }),
      );
    }
    if (steps.length > 0 || seen?.loaded !== true) steps.push(...load("loaded"));
    return steps;
  },

  remove: (seen) =>
    seen.dropIn === undefined ? [] : [run("remove the settings of sshd", ["rm", "-f", "--", dropInFile]), ...load()],

  refuse(want, seen) {
    if (seen === undefined) return undefined;
    if (!seen.installed) return { why: "there is no sshd", remedy: "Install the package openssh-server first." };
    if (!seen.included) {
      const line = `Include ${dropInFolder}/*.conf`;
      return { why: `${mainFile} does not read ${dropInFolder}`, remedy: `Put this line at its top: ${line}` };
    }
    const { always } = contradictions(want, seen.others);
    if (always.length > 0) {
      return {
        why: `other lines come before ours, and sshd takes the first:\n${always.join("\n")}`,
        remedy: "Remove them on the host, or set the same here.",
      };
    }
    if (seen.problem === undefined || seen.dropIn !== dropInText(want)) return undefined;
    return { why: `sshd refuses its configuration: ${seen.problem}`, remedy: "Mend that file on the host." };
  },

  warn(want, seen) {
    const { sometimes } = contradictions(want, seen?.others ?? []);
    if (sometimes.length === 0) return [];
    return [
      `For some connections sshd does otherwise than asked for, by lines of other files: ${sometimes.join("; ")}`,
    ];
  },

  guard: () => ({
    name: "sshd",
    files: [dropInFile],
    restore: [["systemctl", "restart", "ssh.service"]],
    // Root's login and passwords are shut off by the account that stays.
    account: "*",
  }),
};

/**
 * A restart and not a reload: of a reload nobody learns when it is done, and the connection that is to prove the change
 * (design.md decision 6) could still meet the old settings. Open sessions stay. A server that is not running reads its
 * files when it starts: with socket activation, at the next connection.
 */
function load(property?: string): Step[] {
  const more = property === undefined ? {} : { property };
  return [
    // In its place among the other files, and while the old server still runs.
    run("check the configuration of sshd", ["sshd", "-t"], more),
    run("restart sshd", ["systemctl", "try-restart", "ssh.service"], more),
  ];
}

/**
 * Whether the server started or reloaded after the last change of its files, folder included: a file that was removed
 * shows there. systemd notes a reload as a change of state.
 */
function loaded(properties: string, files: readonly PathSeen[]): boolean {
  const [state, changed] = properties
    .split("\n")
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { data: unknown }).data);
  const newest = Math.max(...files.map(({ mtime }) => mtime));
  return state !== "active" || newest <= Number(changed);
}

function decoded(file: PathSeen | undefined): string {
  return new TextDecoder().decode(file?.content);
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? "";
}
