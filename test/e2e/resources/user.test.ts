import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connect, type SshHost } from "../../../infra/provider/host/ssh-host.ts";
import { user } from "../../../infra/provider/resources/user.ts";
import { lab as theLab } from "../on-lab.ts";
import { byHand, labHost, Managed } from "./lifecycle.ts";

const lab = theLab();
const dev = lab.machines.find(({ name }) => name === "dev");
const folder = mkdtempSync(join(tmpdir(), "onprem-keys-"));
const keyFile = join(folder, "anna");
const sudoers = "/etc/sudoers.d/onprem-anna";
let anna: string;
let other: string;
let host: SshHost;

beforeAll(async () => {
  for (const name of ["anna", "other"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", join(folder, name)]);
  }
  [anna, other] = ["anna", "other"].map((name) => readFileSync(join(folder, `${name}.pub`), "utf8").trim()) as [
    string,
    string,
  ];
  host = await labHost(lab, "dev", "deploy");
});
afterAll(async () => {
  await host.close();
  rmSync(folder, { recursive: true });
});

/** Logs in with anna's key and becomes root, as an operator would. */
async function login(user = "anna"): Promise<string> {
  if (dev === undefined) throw new Error("the lab has no dev");
  const settings = {
    host: dev.addresses.v4,
    user,
    hostKey: dev.hostKey,
    privateKeyFile: keyFile,
    name: dev.fqdn,
  };
  const session = await connect(settings, { say: () => undefined });
  try {
    return (await session.look(["id", "-un"])).stdout.trim();
  } finally {
    await session.close();
  }
}

it("creates, agrees, heals, updates and removes", async () => {
  const managed = new Managed(user, host);
  const want = {
    name: "anna",
    comment: "Anna Æble",
    groups: ["adm"],
    authorizedKeys: [anna],
    sudo: "all-nopasswd" as const,
  };

  expect(await managed.apply(want)).toEqual([
    "create the account anna",
    "make /home/anna/.ssh",
    "write the SSH keys of anna",
    "remove /home/anna/.ssh/authorized_keys2",
    "write the sudo rules of anna",
  ]);
  expect(managed.seen).toMatchObject({
    password: "locked",
    groups: ["adm"],
    group: "anna",
    comment: "Anna Æble",
    unsafe: [],
  });
  expect(await login()).toBe("root");
  expect(await managed.apply(want)).toEqual([]);

  await byHand(
    host,
    `printf '%s\\n' "$1" >>/home/anna/.ssh/authorized_keys; printf '%s\\n' "$1" >/home/anna/.ssh/authorized_keys2
     gpasswd -a anna games >/dev/null; usermod -s /bin/sh anna; echo anna:secret | chpasswd; echo 'anna ALL=(root) /bin/id' >${sudoers}`,
    other,
  );
  expect(await managed.look()).toMatchObject({
    authorizedKeys: [anna, other].sort(),
    groups: ["adm", "games"],
    shell: "/bin/sh",
    password: "set",
    sudo: ["ALL=(root) /bin/id"],
  });
  expect(await managed.apply(want)).toEqual([
    "put anna into adm",
    "give anna the shell /bin/bash",
    "lock the password of anna",
    "make /home/anna/.ssh",
    "write the SSH keys of anna",
    "remove /home/anna/.ssh/authorized_keys2",
    "write the sudo rules of anna",
  ]);
  expect(await login()).toBe("root");

  expect(
    await managed.apply({ name: "anna", comment: "Anna", home: "/srv/anna", sudo: ["ALL=(root) NOPASSWD: /bin/id"] }),
  ).toEqual([
    "take anna out of all further groups",
    "move the home of anna to /srv/anna",
    "describe anna",
    "remove the SSH keys of anna",
    "write the sudo rules of anna",
  ]);
  expect(
    await managed.apply({ name: "anna", home: "/srv/anna", authorizedKeys: [anna], removeHome: true }),
  ).toHaveLength(4);

  expect(await managed.destroy()).toEqual(["remove the account anna"]);
  expect(await host.inspect("/srv/anna")).toEqual([]);
  expect(await host.inspect(sudoers)).toEqual([]);
  expect(await managed.destroy()).toEqual([]);
});

it("takes over what an earlier account of the same name left", async () => {
  const managed = new Managed(user, host);
  const want = { name: "anna", authorizedKeys: [anna], sudo: "all-nopasswd" as const };
  await managed.apply({ ...want, uid: 1700 });
  expect(await managed.destroy()).toEqual([
    "remove the account anna",
    "take sudo from anna",
    "remove the SSH keys of anna",
  ]);

  const again = new Managed(user, host);
  expect(await again.apply({ ...want, uid: 1701 })).toContain("give /home/anna to anna");
  expect((await host.inspect("/home/anna/.bashrc"))[0]?.owner).toBe("anna");
  expect(await login()).toBe("root");
  await again.apply({ ...want, uid: 1701, removeHome: true });
  await again.destroy();
  expect(await host.inspect("/home/anna")).toEqual([]);
});

it("adopts an account and gives it back as it was", async () => {
  await byHand(
    host,
    `useradd -m -s /bin/sh -G games ben; install -d -o ben -g ben -m 0700 ~ben/.ssh; printf '%s\\n' "$1" >~ben/.ssh/authorized_keys`,
    other,
  );
  const managed = new Managed(user, host);
  const want = { name: "ben", authorizedKeys: [anna] };
  await expect(managed.apply(want)).rejects.toThrow(
    "the account ben exists already, was not made by this program, and differs",
  );
  expect(await managed.apply({ ...want, adopt: true })).toHaveLength(5);
  await managed.destroy();
  expect(await user.observe(host, { name: "ben" })).toMatchObject({
    exists: true,
    groups: ["games"],
    shell: "/bin/sh",
    authorizedKeys: [other],
    unsafe: [],
  });
  await byHand(host, "userdel -r ben 2>/dev/null");
});

it("Q-SRV-9: an account that somebody armed has no way in once it is disabled, and works again when it is not", async () => {
  await byHand(
    host,
    `useradd -m -s /bin/bash -G sudo ida; echo 'ida:Correct-Horse' | chpasswd; install -d -o ida -g ida -m 0700 ~ida/.ssh; printf '%s\\n' "$1" >~ida/.ssh/authorized_keys`,
    other,
  );
  const managed = new Managed(user, host);
  const enabled = { name: "ida", authorizedKeys: [anna], sudo: "all-nopasswd" as const, adopt: true };
  await managed.apply(enabled);
  expect(await login("ida")).toBe("root");
  await managed.apply({ name: "ida", shell: "/usr/sbin/nologin", adopt: true });
  const ways = async () => {
    const asked = [
      "passwd -S ida | cut -d' ' -f2",
      "id -Gn ida",
      "cat ~ida/.ssh/authorized_keys 2>/dev/null",
      "getent passwd ida | cut -d: -f7",
      "sudo -l -U ida | grep -c NOPASSWD",
    ];
    return (await host.look(["sh", "-c", asked.map((one) => `${one} || true`).join("; ")])).stdout.trim().split("\n");
  };
  expect(await ways()).toEqual(["L", "ida", "/usr/sbin/nologin", "0"]);
  await expect(login("ida")).rejects.toThrow("does not let ida in");
  await managed.apply(enabled);
  expect(await ways()).toEqual(["L", "ida", anna, "/bin/bash", "1"]);
  expect(await login("ida")).toBe("root");
  await byHand(host, "rm -f /etc/sudoers.d/onprem-ida; userdel -r ida 2>/dev/null");
});

it("refuses to write keys through a link, and rules that sudo does not understand", async () => {
  await byHand(host, "useradd -m eve; ln -s /etc /home/eve/.ssh");
  const want = { name: "eve", shell: "/bin/sh", authorizedKeys: [anna], adopt: true };
  await expect(new Managed(user, host).apply(want)).rejects.toThrow("/home/eve/.ssh is not a folder");
  await byHand(host, "rm /home/eve/.ssh");
  await expect(new Managed(user, host).apply({ ...want, sudo: ["ALL=(root)) /bin/id"] })).rejects.toThrow(
    /could not write the sudo rules of eve[\s\S]*syntax error/,
  );
  expect(await host.inspect("/etc/sudoers.d/onprem-eve")).toEqual([]);
  await byHand(host, "userdel -r eve 2>/dev/null");
});

it.each(["$(touch /tmp/owned)", "--help", "'; touch /tmp/owned #", '* æøå 🦀  "', "\\\\", "%s{}~root"])(
  "takes %j for what it says",
  async (text) => {
    const managed = new Managed(user, host);
    const home = `/home/${text.replaceAll("/", "_")}`;
    const want = { name: "fuzz", comment: text, home, authorizedKeys: [`${anna} ${text}`], removeHome: true };
    await managed.apply(want);
    expect(managed.seen).toMatchObject({ comment: text, home, authorizedKeys: [`${anna} ${text}`] });
    expect(await managed.apply(want)).toEqual([]);
    await managed.destroy();
    expect([await host.inspect(home), await host.inspect("/tmp/owned")]).toEqual([[], []]);
  },
);
