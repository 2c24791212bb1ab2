import { describe, expect, it } from "vitest";
import { type UserSeen, type UserWant, user } from "../../../../infra/provider/resources/user.ts";
import { account, keyLines, passwordStatus, sudoGranted } from "../../../../infra/provider/resources/user-texts.ts";
import { run, write } from "../../../../infra/provider/step.ts";
import { checked, fixture } from "../checked.ts";
import { FakeHost, type Standing } from "../fake-host.ts";

/** A public key of the right form, different for each number. */
function key(number: number, comment = `key${number}`): string {
  const field = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  const blob = Buffer.concat([field(Buffer.from("ssh-ed25519")), field(Buffer.alloc(32, number))]);
  return `ssh-ed25519 ${blob.toString("base64")} ${comment}`;
}

const want: UserWant = {
  name: "deploy",
  groups: [],
  shell: "/bin/bash",
  authorizedKeys: [key(1)],
  sudo: "none",
  adopt: false,
  removeHome: false,
};

const seen: UserSeen = {
  name: "deploy",
  exists: true,
  uid: 1000,
  group: "deploy",
  groups: [],
  home: "/home/deploy",
  shell: "/bin/bash",
  comment: "",
  authorizedKeys: [key(1)],
  sudo: "none",
  password: "locked",
  homeOwner: "deploy",
  sshFolder: "directory",
  unsafe: [],
};

const left: UserSeen = {
  name: "deploy",
  exists: false,
  home: "/home/deploy",
  authorizedKeys: [],
  sudo: "none",
  sshFolder: "absent",
  unsafe: [],
};

const keysPath = "/home/deploy/.ssh/authorized_keys";
const secondPath = "/home/deploy/.ssh/authorized_keys2";

function keySteps(keys: string[], group = "deploy") {
  const property = "authorizedKeys";
  const content = keys.map((line) => `${line}\n`).join("");
  return [
    run(
      "make /home/deploy/.ssh",
      ["install", "-d", "-o", "deploy", "-g", group, "-m", "0700", "--", "/home/deploy/.ssh"],
      { property },
    ),
    write("write the SSH keys of deploy", { path: keysPath, content, owner: "deploy", group, mode: "0600", property }),
    run(`remove ${secondPath}`, ["rm", "-f", "--", secondPath], { property }),
  ];
}

function sudoStep(content: string) {
  return write("write the sudo rules of deploy", {
    path: "/etc/sudoers.d/onprem-deploy",
    content,
    owner: "root",
    group: "root",
    mode: "0440",
    validate: ["visudo", "-cf", "{}"],
    property: "sudo",
  });
}

describe("observe", () => {
  const paths: Record<string, Standing> = {
    "/etc/passwd": { content: fixture("passwd-debian-12/passwd") },
    "/etc/group": { content: fixture("passwd-debian-12/group") },
    "/etc/sudoers.d/onprem-deploy": null,
    "/home/deploy": { type: "directory", owner: "deploy", group: "deploy", mode: "0755" },
    "/home/deploy/.ssh": { type: "directory", owner: "deploy", group: "deploy", mode: "0700" },
    [keysPath]: { content: `# mine\n${key(1)}\n\n`, owner: "deploy", group: "deploy", mode: "0600" },
    [secondPath]: null,
  };
  const looks = { "passwd --status -- deploy": fixture("passwd-debian-12/status-locked.txt") };
  const observe = (more: Record<string, Standing> = {}, of: Partial<UserWant> = want) =>
    user.observe(new FakeHost({ looks, paths: { ...paths, ...more } }), of);

  it("reads an account of Debian 12", async () => {
    expect(await observe()).toEqual(seen);
  });

  it("reads the same in an import", async () => {
    expect(await observe({}, { name: "deploy" })).toEqual(seen);
  });

  it.each<[string, Record<string, Standing>, Partial<UserSeen>]>([
    [
      "keys that were added, in the second file too",
      {
        [keysPath]: { ...paths[keysPath], content: `${key(2)}\n${key(1)}\n` },
        [secondPath]: { content: `${key(3)}\n` },
      },
      { authorizedKeys: [key(1), key(2), key(3)], unsafe: ["authorizedKeys"] },
    ],
    [
      "keys that others may write",
      { [keysPath]: { ...paths[keysPath], mode: "0666" } },
      { unsafe: ["authorizedKeys"] },
    ],
    [
      "a folder that others may write",
      { "/home/deploy/.ssh": { ...paths["/home/deploy/.ssh"], mode: "0777" } },
      { unsafe: ["authorizedKeys"] },
    ],
    [
      "keys behind a link",
      { [keysPath]: { type: "link", target: "/tmp/keys", owner: "deploy" } },
      { authorizedKeys: [`(${keysPath} cannot be read as a list of keys)`], unsafe: ["authorizedKeys"] },
    ],
    ["no keys", { "/home/deploy/.ssh": null, [keysPath]: null }, { authorizedKeys: [], sshFolder: "absent" }],
    [
      "a link instead of ~/.ssh",
      { "/home/deploy/.ssh": { type: "link", target: "/root/.ssh" }, [keysPath]: null },
      { authorizedKeys: [], sshFolder: "other" },
    ],
    [
      "every right by sudo",
      { "/etc/sudoers.d/onprem-deploy": { content: "deploy ALL=(ALL:ALL) NOPASSWD: ALL\n", mode: "0440" } },
      { sudo: "all-nopasswd" },
    ],
    [
      "rules that are not about the account, in a file that others may write",
      {
        "/etc/sudoers.d/onprem-deploy": { content: "deploy ALL=(root) /bin/id\nmallory ALL=(ALL) ALL\n", mode: "0666" },
      },
      { sudo: ["ALL=(root) /bin/id", "mallory ALL=(ALL) ALL"], unsafe: ["sudo"] },
    ],
  ])("reads %s", async (_, more, changed) => {
    expect(await observe(more)).toEqual({ ...seen, ...changed });
  });

  it("looks where the home really is", async () => {
    const moved = {
      "/srv/d": null,
      "/srv/d/.ssh": null,
      "/srv/d/.ssh/authorized_keys": null,
      "/srv/d/.ssh/authorized_keys2": null,
    };
    expect(await observe(moved, { ...want, home: "/srv/d" })).toEqual(seen);
  });

  it("reads what is left where there is no account, and nothing in an import", async () => {
    const absent: Record<string, Standing> = { "/etc/passwd": { content: "root:x:0:0:root:/root:/bin/bash\n" } };
    const host = (more: Record<string, Standing>) =>
      new FakeHost({ looks: { "passwd --status -- deploy": { code: 1 } }, paths: { ...paths, ...absent, ...more } });
    const gone = { "/home/deploy": null, "/home/deploy/.ssh": null, [keysPath]: null };
    expect(await user.observe(host(gone), want)).toEqual(left);
    const rules = { "/etc/sudoers.d/onprem-deploy": { content: "deploy ALL=(root) /bin/id\n", mode: "0440" } };
    expect(await user.observe(host({ ...rules, "/home/deploy": { type: "directory", owner: "1000" } }), want)).toEqual({
      ...left,
      authorizedKeys: [key(1)],
      sudo: ["ALL=(root) /bin/id"],
      homeOwner: "1000",
      sshFolder: "directory",
    });
    expect(await user.observe(host(gone), { name: "deploy" })).toBeUndefined();
  });
});

describe("parsers", () => {
  it("finds primary and further groups", () => {
    const passwd = "a:x:1:7:Ann,Room 1:/home/a:/bin/sh\nb:x:2:9::/home/b:\n";
    const group = "seven:x:7:\nadm:x:4:b,a\nab:x:5:ab\naa:x:6:a\n";
    expect(account("a", passwd, group)).toEqual({
      uid: 1,
      group: "seven",
      groups: ["aa", "adm"],
      home: "/home/a",
      shell: "/bin/sh",
      comment: "Ann,Room 1",
    });
    expect(account("b", passwd, group)).toEqual({
      uid: 2,
      group: "9",
      groups: ["adm"],
      home: "/home/b",
      shell: "",
      comment: "",
    });
    expect(account("c", passwd, group)).toBeUndefined();
  });

  it("reads the state of a password in both forms of the date", () => {
    expect(
      [
        fixture("passwd-debian-12/status-locked.txt"),
        fixture("passwd-debian-11/status-locked.txt"),
        "a P 11/23/2026 0 99999 7 -1\n",
        "a NP 11/23/2026 0 99999 7 -1\n",
      ].map(passwordStatus),
    ).toEqual(["locked", "locked", "set", "none"]);
  });

  it("reads each key once, in order", () => {
    expect(keyLines(`${key(2)}\r\n  # no\n\n${key(1)}\n${key(2)}`)).toEqual([key(1), key(2)]);
  });

  it("reads an empty file of rules as none", () => {
    expect(sudoGranted("deploy", "")).toBe("none");
  });
});

describe("plan", () => {
  const useradd = (...options: string[]) =>
    run(
      "create the account deploy",
      ["useradd", "--create-home", "--home-dir", "/home/deploy", "--shell", "/bin/bash", ...options, "--", "deploy"],
      { property: "name" },
    );
  const usermod = (title: string, property: string, ...options: string[]) =>
    run(title, ["usermod", ...options, "--", "deploy"], { property });

  it.each<[string, Partial<UserWant>, UserSeen | undefined, object[]]>([
    ["agrees", {}, seen, []],
    [
      "agrees with what was not asked for",
      {},
      { ...seen, uid: 1234, group: "users", comment: "Anna", home: "/home/deploy" },
      [],
    ],
    ["creates an account", {}, left, [useradd("--user-group"), ...keySteps([key(1)])]],
    [
      "creates an account with everything",
      { uid: 1500, group: "users", groups: ["adm", "games"], comment: "Æ", authorizedKeys: [], sudo: "all-nopasswd" },
      left,
      [
        useradd("--uid", "1500", "--no-user-group", "--gid", "users", "--groups", "adm,games", "--comment", "Æ"),
        sudoStep("deploy ALL=(ALL:ALL) NOPASSWD: ALL\n"),
      ],
    ],
    [
      "takes over what an earlier account left",
      { authorizedKeys: [] },
      { ...left, homeOwner: "1000", authorizedKeys: [key(9)], sudo: ["ALL=(root) /bin/id"] },
      [
        useradd("--user-group"),
        run("give /home/deploy to deploy", ["chown", "-hR", "--from=1000", "--", "deploy:deploy", "/home/deploy"], {
          property: "home",
        }),
        run("remove the SSH keys of deploy", ["rm", "-f", "--", keysPath, secondPath], { property: "authorizedKeys" }),
        run("take sudo from deploy", ["rm", "-f", "--", "/etc/sudoers.d/onprem-deploy"], { property: "sudo" }),
      ],
    ],
    [
      "changes each property by itself",
      { uid: 1500, group: "users", groups: ["adm"], home: "/srv/deploy", shell: "/bin/sh", comment: "Anna" },
      { ...seen, password: "set" },
      [
        usermod("give deploy the number 1500", "uid", "--uid", "1500"),
        usermod("make users the group of deploy", "group", "--gid", "users"),
        usermod("put deploy into adm", "groups", "--groups", "adm"),
        usermod("move the home of deploy to /srv/deploy", "home", "--home", "/srv/deploy", "--move-home"),
        usermod("give deploy the shell /bin/sh", "shell", "--shell", "/bin/sh"),
        usermod("describe deploy", "comment", "--comment", "Anna"),
        usermod("lock the password of deploy", "password", "--lock"),
      ],
    ],
    [
      "takes out of groups",
      {},
      { ...seen, groups: ["sudo"] },
      [usermod("take deploy out of all further groups", "groups", "--groups", "")],
    ],
    [
      "locks an account that asks for no password",
      {},
      { ...seen, password: "none" },
      [usermod("lock the password of deploy", "password", "--lock")],
    ],
    ["removes a key that was added", {}, { ...seen, authorizedKeys: [key(1), key(2)] }, keySteps([key(1)])],
    ["writes keys again that others may write", {}, { ...seen, unsafe: ["authorizedKeys"] }, keySteps([key(1)])],
    [
      "gives keys to the primary group",
      {},
      { ...seen, group: "users", authorizedKeys: [] },
      keySteps([key(1)], "users"),
    ],
    [
      "writes rules",
      { sudo: ["ALL=(root) /bin/id", "ALL=(root) /bin/ls"] },
      seen,
      [sudoStep("deploy ALL=(root) /bin/id\ndeploy ALL=(root) /bin/ls\n")],
    ],
    [
      "writes rules again that others may write",
      { sudo: "all-nopasswd" },
      { ...seen, sudo: "all-nopasswd", unsafe: ["sudo"] },
      [sudoStep("deploy ALL=(ALL:ALL) NOPASSWD: ALL\n")],
    ],
  ])("%s", (_, more, of, steps) => {
    expect(user.plan({ ...want, ...more }, of)).toEqual(steps);
  });

  it("names the file of rules without a dot, which sudo would leave out", () => {
    const steps = user.plan(
      { ...want, name: "an.na", authorizedKeys: [], sudo: "all-nopasswd" },
      { ...seen, name: "an.na", authorizedKeys: [] },
    );
    expect(steps.map((step) => step.do === "write" && step.path)).toEqual(["/etc/sudoers.d/onprem-an+na"]);
  });
});

describe("remove", () => {
  const rmSudo = run("take sudo from deploy", ["rm", "-f", "--", "/etc/sudoers.d/onprem-deploy"]);
  const rmKeys = run("remove the SSH keys of deploy", ["rm", "-f", "--", keysPath, secondPath]);
  const made = { made: true, removeHome: false };

  it.each<[string, UserSeen, Parameters<typeof user.remove>[1], object[]]>([
    [
      "removes what we made, keys and rules too",
      { ...seen, sudo: "all-nopasswd" },
      made,
      [run("remove the account deploy", ["userdel", "--", "deploy"]), rmSudo, rmKeys],
    ],
    [
      "removes the home where told to",
      seen,
      { made: true, removeHome: true },
      [run("remove the account deploy", ["userdel", "--remove", "--", "deploy"])],
    ],
    [
      "goes on after an interruption",
      { ...left, authorizedKeys: [key(1)], sudo: "all-nopasswd" },
      made,
      [rmSudo, rmKeys],
    ],
    ["does nothing a second time", { ...left, homeOwner: "1000" }, made, []],
    ["leaves an account that was imported", { ...seen, sudo: "all-nopasswd" }, undefined, [rmSudo]],
    ["never removes root", { ...seen, name: "root" }, made, []],
    [
      "gives an adopted account back what it had",
      { ...seen, groups: ["adm"], sudo: "all-nopasswd" },
      {
        made: false,
        removeHome: false,
        before: { groups: ["sudo"], shell: "/bin/sh", authorizedKeys: [key(7)], password: "set" },
      },
      [
        run("put deploy into sudo", ["usermod", "--groups", "sudo", "--", "deploy"]),
        run("give deploy the shell /bin/sh", ["usermod", "--shell", "/bin/sh", "--", "deploy"]),
        run("unlock the password of deploy", ["usermod", "--unlock", "--", "deploy"]),
        ...keySteps([key(7)]),
        rmSudo,
      ],
    ],
  ])("%s", (_, of, memory, steps) => {
    expect(user.remove(of, memory)).toEqual(steps);
  });
});

describe("remember", () => {
  const before = { groups: ["adm"], shell: "/bin/sh", authorizedKeys: [], password: "set" as const };

  it("knows what we made from what was there", () => {
    expect(user.remember?.(want, left, undefined)).toEqual({ made: true, removeHome: false });
    expect(user.remember?.({ ...want, removeHome: true }, seen, { made: true, removeHome: false })).toEqual({
      made: true,
      removeHome: true,
    });
    expect(user.remember?.(want, { ...seen, ...before }, undefined)).toEqual({
      made: false,
      removeHome: false,
      before,
    });
    expect(user.remember?.({ ...want, removeHome: true }, seen, { made: false, removeHome: false, before })).toEqual({
      made: false,
      removeHome: false,
      before,
    });
  });
});

describe("refuse", () => {
  it("an account that is not ours and differs", () => {
    const other = { ...seen, groups: ["sudo"] };
    expect(user.refuse?.(want, other, false)?.why).toBe(
      "the account deploy exists already, was not made by this program, and differs",
    );
    expect(user.refuse?.(want, seen, false)).toBeUndefined();
    expect(user.refuse?.(want, other, true)).toBeUndefined();
    expect(user.refuse?.({ ...want, adopt: true }, other, false)).toBeUndefined();
    expect(user.refuse?.(want, { ...left, homeOwner: "1000" }, false)).toBeUndefined();
  });

  it("to write keys below a link", () => {
    expect(user.refuse?.(want, { ...seen, sshFolder: "other" }, true)?.why).toBe("/home/deploy/.ssh is not a folder");
    expect(
      user.refuse?.({ ...want, authorizedKeys: [] }, { ...seen, authorizedKeys: [], sshFolder: "other" }, true),
    ).toBeUndefined();
  });
});

describe("guard", () => {
  const files = [
    "/etc/passwd",
    "/etc/shadow",
    "/etc/group",
    "/etc/gshadow",
    "/etc/subuid",
    "/etc/subgid",
    "/etc/sudoers.d/onprem-deploy",
    keysPath,
    secondPath,
  ];
  const guard = { name: "account", files, restore: [], account: "deploy" };

  it("guards every change of an existing account, for it may be the one that we log in with", () => {
    expect(user.guard?.({ ...want, home: "/srv/d" }, seen)).toEqual({
      ...guard,
      files: [...files, "/srv/d/.ssh/authorized_keys", "/srv/d/.ssh/authorized_keys2"],
    });
    expect(user.guard?.(undefined, seen)).toEqual(guard);
  });

  it("ACC-2: guards a new account where it is the one that we are to log in as, and leaves the removal of none alone", () => {
    expect(user.guard?.(want, left)).toEqual({ ...guard, onlyOurs: true });
    expect(user.guard?.(undefined, left)).toBeUndefined();
  });
});

describe("check", () => {
  it("fills in defaults and sorts", () => {
    expect(checked(user, { name: "deploy" })).toEqual({ ...want, authorizedKeys: [] });
    const given = {
      name: "deploy",
      groups: ["sudo", "adm", "adm"],
      authorizedKeys: [` ${key(2)}\n`, key(1)],
      sudo: ["ALL=(ALL:ALL) NOPASSWD: ALL"],
    };
    expect(checked(user, given)).toEqual({
      ...want,
      groups: ["adm", "sudo"],
      authorizedKeys: [key(1), key(2)],
      sudo: "all-nopasswd",
    });
  });

  it.each([
    `from="10.0.0.0/8",no-pty ${key(1)}`,
    `command="echo \\"hi there\\"" ${key(1)}`,
    key(1).split(" ").slice(0, 2).join(" "),
  ])("accepts the key %s", (line) => {
    expect(checked(user, { name: "deploy", authorizedKeys: [line] })).toEqual({ ...want, authorizedKeys: [line] });
  });

  it.each([
    ["cut short", key(1).slice(0, 60)],
    ["of another type than it says", key(1).replace("ssh-ed25519 ", "ssh-rsa ")],
    ["private", "-----BEGIN OPENSSH PRIVATE KEY-----"],
    ["of two lines", `${key(1)}\n${key(2)}`],
    ["of a type that is no longer safe", "ssh-dss AAAAB3NzaC1kc3MAAAA="],
  ])("refuses a key %s", (_, line) => {
    expect(checked(user, { name: "deploy", authorizedKeys: [line] })).toEqual([
      { property: "authorizedKeys[0]", reason: expect.stringMatching(/^must be (one line|an OpenSSH public key)/) },
    ]);
  });

  it("reports all mistakes at once", () => {
    const given = {
      name: "-x",
      uid: 0,
      group: "a:b",
      groups: ["$(id)"],
      home: "/home/a:b",
      shell: "bash",
      comment: "a:b",
      sudo: ["NOPASSWD"],
      password: "x",
    };
    expect(checked(user, given)).toEqual(
      ["password", "name", "uid", "group", "groups[0]", "home", "shell", "comment", "sudo[0]"].map((property) => ({
        property,
        reason: expect.any(String),
      })),
    );
  });

  it.each(["ALL=(root) /bin/id\nmallory ALL=(ALL) ALL", "ALL=(root) /bin/id \\"])("refuses the rule %j", (rule) => {
    expect(checked(user, { name: "deploy", sudo: [rule] })).toEqual([
      { property: expect.stringMatching(/^sudo/), reason: expect.any(String) },
    ]);
  });
});

it("is named by the account", () => {
  expect([user.named("deploy"), user.named("--help")]).toEqual([{ name: "deploy" }, undefined]);
});
