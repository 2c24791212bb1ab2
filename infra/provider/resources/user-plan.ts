import { run, type Step, write } from "../step.ts";
import type { UserMemory, UserSeen, UserWant } from "./user.ts";
import { sudoersPath, sudoersText } from "./user-texts.ts";

/** sshd reads keys from here too unless told otherwise (sshd_config(5), AuthorizedKeysFile). */
export const secondKeyFile = ".ssh/authorized_keys2";

/** From the account as it is to the account as it should be. */
export function planUser(want: UserWant, seen: UserSeen | undefined): Step[] {
  const { name } = want;
  const home = want.home ?? seen?.home ?? `/home/${name}`;
  const group = want.group ?? (seen?.exists ? seen.group : undefined) ?? name;
  const steps = seen?.exists ? changes(want, seen) : [create(want, home)];
  if (seen?.homeOwner !== undefined && /^\d+$/.test(seen.homeOwner)) {
    // Left from an earlier account of this name. Only what that number owned: links are not followed.
    const argv = ["chown", "-hR", `--from=${seen.homeOwner}`, "--", `${name}:${group}`, home];
    steps.push(run(`give ${home} to ${name}`, argv, { property: "home" }));
  }
  return [...steps, ...keys(want, seen, home, group), ...sudo(want, seen)];
}

/** A new account's password is locked from the start (useradd(8)). */
function create({ name, uid, group, groups, shell, comment }: UserWant, home: string): Step {
  const argv = ["useradd", "--create-home", "--home-dir", home, "--shell", shell];
  if (uid !== undefined) argv.push("--uid", String(uid));
  argv.push(...(group === undefined ? ["--user-group"] : ["--no-user-group", "--gid", group]));
  if (groups.length > 0) argv.push("--groups", groups.join(","));
  if (comment !== undefined) argv.push("--comment", comment);
  return run(`create the account ${name}`, [...argv, "--", name], { property: "name" });
}

function changes(want: UserWant, seen: UserSeen): Step[] {
  const { name } = want;
  const steps: Step[] = [];
  const change = (property: keyof UserWant, title: string, ...options: string[]) =>
    steps.push(run(title, ["usermod", ...options, "--", name], { property }));
  if (want.uid !== undefined && want.uid !== seen.uid) {
    change("uid", `give ${name} the number ${want.uid}`, "--uid", String(want.uid));
  }
  if (want.group !== undefined && want.group !== seen.group) {
    change("group", `make ${want.group} the group of ${name}`, "--gid", want.group);
  }
  if (want.groups.join() !== seen.groups?.join()) {
    change("groups", groupsTitle(name, want.groups), "--groups", want.groups.join(","));
  }
  if (want.home !== undefined && want.home !== seen.home) {
    change("home", `move the home of ${name} to ${want.home}`, "--home", want.home, "--move-home");
  }
  if (want.shell !== seen.shell) change("shell", `give ${name} the shell ${want.shell}`, "--shell", want.shell);
  if (want.comment !== undefined && want.comment !== seen.comment) {
    change("comment", `describe ${name}`, "--comment", want.comment);
  }
  if (seen.password !== "locked") {
    steps.push(run(`lock the password of ${name}`, ["usermod", "--lock", "--", name], { property: "password" }));
  }
  return steps;
}

type Keys = Pick<UserWant, "name" | "authorizedKeys">;

function keys({ name, authorizedKeys }: Keys, seen: UserSeen | undefined, home: string, group: string): Step[] {
  const property = "authorizedKeys";
  const same = authorizedKeys.join("\n") === (seen?.authorizedKeys ?? []).join("\n");
  if (same && !seen?.unsafe.includes(property)) return [];
  const first = `${home}/.ssh/authorized_keys`;
  const second = `${home}/${secondKeyFile}`;
  if (authorizedKeys.length === 0) {
    return [run(`remove the SSH keys of ${name}`, ["rm", "-f", "--", first, second], { property })];
  }
  const folder = ["install", "-d", "-o", name, "-g", group, "-m", "0700", "--", `${home}/.ssh`];
  const content = authorizedKeys.map((line) => `${line}\n`).join("");
  return [
    run(`make ${home}/.ssh`, folder, { property }),
    write(`write the SSH keys of ${name}`, { path: first, content, owner: name, group, mode: "0600", property }),
    run(`remove ${second}`, ["rm", "-f", "--", second], { property }),
  ];
}

function sudo(want: UserWant, seen: UserSeen | undefined): Step[] {
  const { name } = want;
  const property = "sudo";
  const path = sudoersPath(name);
  const content = sudoersText(name, want.sudo);
  const same = content === sudoersText(name, seen?.sudo ?? "none");
  if (same && !seen?.unsafe.includes(property)) return [];
  if (content === "") return [run(`take sudo from ${name}`, ["rm", "-f", "--", path], { property })];
  const validate = ["visudo", "-cf", "{}"];
  return [
    write(`write the sudo rules of ${name}`, {
      path,
      content,
      owner: "root",
      group: "root",
      mode: "0440",
      validate,
      property,
    }),
  ];
}

/** From the account as it is to what was there before us. */
export function removeUser(seen: UserSeen, memory?: UserMemory): Step[] {
  const { name } = seen;
  const none = seen.sudo === "none" && !seen.unsafe.includes("sudo");
  const withoutSudo = none ? [] : [run(`take sudo from ${name}`, ["rm", "-f", "--", sudoersPath(name)])];
  if (memory?.made && name !== "root") {
    const files = [`${seen.home}/.ssh/authorized_keys`, `${seen.home}/${secondKeyFile}`];
    const left = seen.authorizedKeys.length > 0 && !(seen.exists && memory.removeHome);
    return [
      // First: it refuses while somebody is logged in, and then nothing must have changed.
      ...(seen.exists
        ? [run(`remove the account ${name}`, ["userdel", ...(memory.removeHome ? ["--remove"] : []), "--", name])]
        : []),
      ...withoutSudo,
      ...(left ? [run(`remove the SSH keys of ${name}`, ["rm", "-f", "--", ...files])] : []),
    ];
  }
  if (!seen.exists) return withoutSudo;
  return [...asBefore(seen, memory?.before), ...withoutSudo];
}

function asBefore(seen: UserSeen, before: UserMemory["before"]): Step[] {
  if (before === undefined) return [];
  const { name } = seen;
  const steps: Step[] = [];
  if (before.groups !== undefined && before.groups.join() !== seen.groups?.join()) {
    steps.push(run(groupsTitle(name, before.groups), ["usermod", "--groups", before.groups.join(","), "--", name]));
  }
  if (before.shell !== undefined && before.shell !== seen.shell) {
    steps.push(run(`give ${name} the shell ${before.shell}`, ["usermod", "--shell", before.shell, "--", name]));
  }
  if (before.password === "set" && seen.password === "locked") {
    steps.push(run(`unlock the password of ${name}`, ["usermod", "--unlock", "--", name]));
  }
  const { authorizedKeys } = before;
  return [...steps, ...keys({ name, authorizedKeys }, { ...seen, unsafe: [] }, seen.home, seen.group ?? name)];
}

function groupsTitle(name: string, groups: readonly string[]): string {
  return groups.length === 0 ? `take ${name} out of all further groups` : `put ${name} into ${groups.join(", ")}`;
}
