import { z } from "zod";
import { isKeyOfType, userKeyTypes } from "../ssh-keys.ts";

/** One account as passwd(5) and group(5) have it. */
export interface Account {
  uid: number;
  /** Primary group: its name, or the number where no group has it. */
  group: string;
  /** Groups that list the account as a member, sorted. */
  groups: string[];
  home: string;
  shell: string;
  comment: string;
}

/** Finds an account in the texts of /etc/passwd and /etc/group; `undefined` where it is not. */
export function account(name: string, passwd: string, group: string): Account | undefined {
  const [, , uid, gid, comment, home, shell] = records(passwd).find(([login]) => login === name) ?? [];
  if (uid === undefined || gid === undefined) return undefined;
  const groups = records(group);
  return {
    uid: Number(uid),
    group: groups.find(([, , id]) => id === gid)?.[0] ?? gid,
    groups: groups
      .filter(([, , , members]) => members?.split(",").includes(name))
      .map(([title]) => title ?? "")
      .sort(),
    home: home ?? "",
    shell: shell ?? "",
    comment: comment ?? "",
  };
}

function records(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(":"));
}

/** What `passwd --status` says of the password: its second word is L, P or NP (passwd(1)). */
export function passwordStatus(status: string): "locked" | "set" | "none" {
  const word = status.trim().split(" ")[1];
  return word === "P" ? "set" : word === "NP" ? "none" : "locked";
}

const option = String.raw`[A-Za-z0-9-]+(?:="(?:[^"\\]|\\.)*")?`;
const keyForm = new RegExp(
  `^(?:${option}(?:,${option})* )?(${userKeyTypes.join("|")}) ([A-Za-z0-9+/]+={0,2})(?: .*)?$`,
);

/** One line of an authorized_keys file: options, type, key, comment (sshd(8), "AUTHORIZED_KEYS FILE FORMAT"). */
export const authorizedKey = z
  .string()
  .transform((line) => line.trim())
  .refine((line) => !/\p{Cc}/u.test(line), { error: "must be one line", abort: true })
  .refine(isKey, `must be an OpenSSH public key, such as "ssh-ed25519 AAAA… name"; types: ${userKeyTypes.join(", ")}`);

function isKey(line: string): boolean {
  const [, type = "", base64 = ""] = keyForm.exec(line) ?? [];
  return isKeyOfType(base64, type);
}

/** The keys in an authorized_keys file, sorted, without comments; only the set of them matters to sshd. */
export function keyLines(text: string): string[] {
  const lines = text.split("\n").map((line) => line.trim());
  return [...new Set(lines.filter((line) => line !== "" && !line.startsWith("#")))].sort();
}

/** What an account may do through sudo. */
export type Sudo = "none" | "all-nopasswd" | string[];

/** A sudo rule without the account's name: `ALL=(root) NOPASSWD: /usr/bin/systemctl restart nginx` (sudoers(5)). */
const sudoRule = z
  .string()
  .transform((rule) => rule.trim())
  .refine((rule) => rule.includes("="), {
    error: "must be a rule without the account's name, such as ALL=(root) /usr/bin/id",
  })
  .refine((rule) => !/\p{Cc}/u.test(rule) && !rule.endsWith("\\"), "must be one line");

const everything = "ALL=(ALL:ALL) NOPASSWD: ALL";

/** One form for one meaning: the rule that grants everything is always the word. */
export const sudoRights = z
  .union([z.enum(["none", "all-nopasswd"]), z.array(sudoRule).min(1)])
  .transform((sudo): Sudo => (typeof sudo !== "string" && sudo.join("\n") === everything ? "all-nopasswd" : sudo));

/** The account's file below /etc/sudoers.d; sudo leaves out files whose names hold a dot. */
export function sudoersPath(name: string): string {
  return `/etc/sudoers.d/onprem-${name.replaceAll(".", "+")}`;
}

/** The text of that file; empty where there is to be none. */
export function sudoersText(name: string, sudo: Sudo): string {
  const rules = sudo === "none" ? [] : sudo === "all-nopasswd" ? [everything] : sudo;
  return rules.map((rule) => `${name} ${rule}\n`).join("");
}

/** What the text grants, in the form of `Sudo`; a line that is not about the account is shown whole. */
export function sudoGranted(name: string, text: string): Sudo {
  if (text === "") return "none";
  if (text === sudoersText(name, "all-nopasswd")) return "all-nopasswd";
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => (line.startsWith(`${name} `) ? line.slice(name.length + 1) : line));
}
