import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { LoginRefused } from "../../infra/provider/host/errors.ts";
import type { Proof } from "../../infra/provider/host/settings.ts";
import { connect } from "../../infra/provider/host/ssh-host.ts";
import { labSettings } from "../../lab/settings.ts";
import type { MachineStatus, ServerName } from "../../lab/status.ts";
import { finish } from "../../scripts/command.ts";
import { projectFolder } from "../../scripts/engine/environment.ts";
import { initStacks, type LabStacks, openLabStacks, writeConfiguration } from "../../scripts/start/lab-stack.ts";
import { OwnLab } from "./own-lab.ts";
import { watchCommandLines } from "./places-of-secrets.ts";
import { Stack } from "./stack.ts";

// ACC-2, Q-SRV-9: from the customer's login on a bare server to the administrator's, and what becomes of that one's key.
// A lab of its own, for its servers are hardened and their accounts changed.

const folder = mkdtempSync(join(tmpdir(), "onprem-access-"));
const password = "Ni-blinde-passagerer-47";
const admin = "os2mo-admin";
let lab: OwnLab;

beforeAll(async () => {
  lab = await OwnLab.up();
});
afterAll(async () => {
  await lab.down();
  rmSync(folder, { recursive: true, force: true });
});

/** A new key pair: the path of its private half, and its public line. */
function keyPair(name: string): { file: string; line: string } {
  const file = join(folder, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file]);
  return { file, line: readFileSync(`${file}.pub`, "utf8").trim() };
}

/** Logs in and says as whom, after sudo; or why not. */
async function login(server: MachineStatus, user: string, proof: Proof): Promise<string> {
  const settings = { host: server.addresses.v4, user, hostKey: server.hostKey, name: server.fqdn, ...proof };
  const host = await connect(settings, { say: () => undefined }).catch((error) => {
    if (error instanceof LoginRefused) return undefined;
    throw error;
  });
  if (host === undefined) return "refused";
  const { stdout } = await host.look(["id", "-un"]).finally(() => host.close());
  return stdout.trim();
}

const byPassword = { password: { from: "here", text: password, logsIn: true } };

describe("the whole program on a server that has a sudo user with a password, and nothing else", () => {
  let stacks: LabStacks;
  let key: ReturnType<typeof keyPair>;

  const up = async (secret?: string) => {
    const file = join(stacks.folder, "Pulumi.first.yaml");
    const words = ["--stack", "first", "--config-file", file, "--json", "--yes", "--skip-preview"];
    const env = { ...stacks.env, ...(secret === undefined ? {} : { ONPREM_INITIAL_PASSWORD: secret }) };
    const { code, stdout, stderr } = await finish(
      ["pulumi", "up", "--non-interactive", "-C", projectFolder, ...words],
      {
        env,
      },
    );
    const output = stdout + stderr;
    return { code, output, first: output.split("first contact: logged in as ubuntu").length - 1 };
  };

  beforeAll(async () => {
    key = keyPair("whole");
    await lab.within(
      "dev",
      `useradd -m -s /bin/bash -G sudo ubuntu; echo 'ubuntu:${password}' | chpasswd; usermod -L deploy; rm /etc/sudoers.d/deploy
       echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/50-cloud-init.conf; systemctl restart ssh`,
    );
    stacks = await openLabStacks(join(folder, "stacks"), inject("engine"));
    await initStacks(stacks, ["first"], new AbortController().signal);
    const settings = labSettings(lab.status, "development");
    await writeConfiguration(stacks, "first", {
      ...settings,
      "os2mo-on-prem:administrator": { keys: [key.line] },
      "os2mo-on-prem:server": {
        ...(settings["os2mo-on-prem:server"] as object),
        user: admin,
        privateKeyFile: key.file,
        initial: { user: "ubuntu", password: true },
      },
    });
  });

  test("without the password it says which variable to set, and touches nothing", async () => {
    const { code, output } = await up();
    expect(code).not.toBe(0);
    expect(output).toContain("there is no password: ONPREM_INITIAL_PASSWORD is not set");
    expect(await lab.within("dev", `id ${admin} 2>/dev/null || echo none`)).toBe("none");
  });

  test("the first run ends with the administrator alone, and the password is nowhere", async () => {
    const dev = lab.machine("dev");
    expect(await login(dev, "ubuntu", byPassword)).toBe("root");
    const watch = watchCommandLines();
    const { code, output, first } = await up(password);
    const places = [output, await watch.stop()];
    expect({ code, errors: code === 0 ? "" : output, first }).toEqual({ code: 0, errors: "", first: 1 });
    expect(output).toContain(`${admin} logs in from now on`);
    expect(output).toContain("ok: the SSH server accepts its configuration");
    expect(await login(dev, admin, { privateKeyFile: key.file })).toBe("root");
    expect(await login(dev, "ubuntu", byPassword)).toBe("refused");
    expect(await login(dev, "root", { privateKeyFile: dev.login.privateKeyFile })).toBe("refused");
    places.push(readAll(stacks.folder), await lab.within("dev", "journalctl -q -o json --all --no-pager"));
    expect(places.filter((text) => text.includes(password))).toEqual([]);
  });

  test("later runs log in as the administrator, without the password, and change nothing", async () => {
    const { code, output, first } = await up();
    expect({ code, errors: code === 0 ? "" : output, first }).toEqual({ code: 0, errors: "", first: 0 });
    expect(output).not.toContain('"op":"create"');
    expect(output).not.toContain('"op":"update"');
  });

  test("destroying the stack takes the hardening away and leaves the account that it is logged in as", async () => {
    const file = join(stacks.folder, "Pulumi.first.yaml");
    const words = ["--stack", "first", "--config-file", file, "--yes", "--skip-preview"];
    const { code, stdout, stderr } = await finish(
      ["pulumi", "destroy", "--non-interactive", "-C", projectFolder, ...words],
      { env: stacks.env },
    );
    expect({ code, errors: code === 0 ? "" : stdout + stderr }).toEqual({ code: 0, errors: "" });
    expect(await login(lab.machine("dev"), admin, { privateKeyFile: key.file })).toBe("root");
    expect(await login(lab.machine("dev"), "ubuntu", byPassword)).toBe("root");
  });
});

/** A stack with the administrator and a hardened SSH server, as the baseline makes them. */
class Access {
  readonly stack: Stack;
  readonly connection: Record<string, unknown>;
  keys: string[] = [];

  private constructor(stack: Stack, connection: Record<string, unknown>) {
    this.stack = stack;
    this.connection = connection;
  }

  static async on(server: MachineStatus, env: Record<string, string> = {}): Promise<Access> {
    const { addresses, hostKey, fqdn } = server;
    const connection = { host: addresses.v4, user: admin, hostKey, label: fqdn };
    const stack = await Stack.create({ env: { ...process.env, ...inject("engine"), ...env }, connection });
    return new Access(stack, connection);
  }

  /** How the next run logs in; what is left out is as before, `undefined` takes it away. */
  set(changes: { privateKeyFile?: string; initial?: object | undefined; previous?: object | undefined }): void {
    for (const [name, value] of Object.entries(changes)) {
      this.connection[name] = typeof value === "object" ? JSON.stringify(value) : value;
    }
  }

  up(...flags: string[]) {
    const account = { name: admin, authorizedKeys: this.keys, sudo: "all-nopasswd", adopt: true };
    const resources = [
      { name: "administrator", type: "User", args: account },
      { name: "sshd", type: "Sshd", args: {}, after: ["administrator"] },
    ];
    return this.stack.up(resources, ...flags);
  }
}

const shut = (name: ServerName) =>
  lab.within(name, "ls /etc/ssh/sshd_config.d/10-onprem.conf 2>/dev/null || echo open");

describe("a server with root's key", () => {
  let access: Access;
  let server: MachineStatus;
  const [key, other, next, last] = ["root-admin", "root-other", "root-next", "root-last"].map(keyPair) as [
    ReturnType<typeof keyPair>,
    ReturnType<typeof keyPair>,
    ReturnType<typeof keyPair>,
    ReturnType<typeof keyPair>,
  ];

  beforeAll(async () => {
    server = lab.machine("test");
    access = await Access.on(server);
    access.set({ privateKeyFile: key.file, initial: { user: "root", privateKeyFile: server.login.privateKeyFile } });
  });
  afterAll(() => access.stack[Symbol.asyncDispose]());

  test("keys that do not belong together: the account is undone, and the initial way stays open", async () => {
    access.keys = [other.line];
    const { code, errors } = await access.up();
    expect(code).not.toBe(0);
    expect(errors.join("\n")).toContain(
      `the change account on ${server.fqdn} was undone: ${admin} could not log in with the key that is to last`,
    );
    expect(errors.join("\n")).toContain(`${server.fqdn} does not let ${admin} in: tried key file ${key.file}`);
    expect(await lab.within("test", `id ${admin} 2>/dev/null || echo none`)).toBe("none");
    expect(await shut("test")).toBe("open");
    expect(await login(server, "root", { privateKeyFile: server.login.privateKeyFile })).toBe("root");
  });

  test("an account that the customer made with another key: the SSH server is not hardened", async () => {
    await lab.within(
      "test",
      `useradd -m -s /bin/bash ${admin}; install -d -o ${admin} -g ${admin} -m 0700 ~${admin}/.ssh; echo '${other.line}' >~${admin}/.ssh/authorized_keys
       chown ${admin}: ~${admin}/.ssh/authorized_keys; chmod 0600 ~${admin}/.ssh/authorized_keys
       echo '${admin} ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/onprem-${admin}; chmod 0440 /etc/sudoers.d/onprem-${admin}`,
    );
    const { code, errors } = await access.up();
    expect(code).not.toBe(0);
    expect(errors.join("\n")).toContain(`the change sshd on ${server.fqdn} was undone: ${admin} could not log in`);
    expect(await shut("test")).toBe("open");
    expect(await login(server, "root", { privateKeyFile: server.login.privateKeyFile })).toBe("root");
  });

  test("the right key: root's login is shut off by the administrator's own", async () => {
    access.keys = [key.line];
    const run = await access.up();
    expect(run.errors).toEqual([]);
    expect(run.output.split("first contact: logged in as root").length - 1).toBe(1);
    expect(await login(server, "root", { privateKeyFile: server.login.privateKeyFile })).toBe("refused");
    expect(await login(server, admin, { privateKeyFile: key.file })).toBe("root");
    const again = await access.up();
    expect([again.errors, again.changes, again.output.includes("first contact")]).toEqual([[], {}, false]);
    access.set({ initial: undefined });
  });

  test("rotation to a key that does not work is undone: the old one still opens", async () => {
    access.set({ privateKeyFile: other.file, previous: { privateKeyFile: key.file } });
    access.keys = [next.line];
    const { code, errors } = await access.up();
    expect(code).not.toBe(0);
    expect(errors.join("\n")).toContain(`was undone: ${admin} could not log in with the key that is to last`);
    expect(await login(server, admin, { privateKeyFile: key.file })).toBe("root");
    expect(await login(server, admin, { privateKeyFile: next.file })).toBe("refused");
  });

  test("rotation: the new key is proven, the old one goes, and is needed no more", async () => {
    access.set({ privateKeyFile: next.file });
    const run = await access.up();
    expect([run.errors, run.changes]).toEqual([[], expect.objectContaining({ administrator: "update" })]);
    expect(run.output).toContain("with the previous key, for the new one is not there yet");
    expect(await login(server, admin, { privateKeyFile: next.file })).toBe("root");
    expect(await login(server, admin, { privateKeyFile: key.file })).toBe("refused");
    access.set({ previous: undefined });
    rmSync(key.file);
    const again = await access.up();
    expect([again.errors, Object.keys(again.changes).filter((name) => name !== "server")]).toEqual([[], []]);
  });

  test("the key is lost: what docs/operations.md says to do on the console brings a new one in", async () => {
    rmSync(next.file);
    access.set({ privateKeyFile: last.file });
    access.keys = [last.line];
    const locked = await access.up();
    expect(locked.code).not.toBe(0);
    // The engine looks with the login that it remembers.
    expect(locked.errors.join("\n")).toContain("add --run-program to the command");
    const refused = await access.up("--run-program");
    expect(refused.errors.join("\n")).toContain(`${server.fqdn} does not let ${admin} in`);
    await lab.within("test", consoleCommands().replace("ssh-ed25519 AAAA… anna", last.line));
    const run = await access.up("--run-program");
    expect(run.errors).toEqual([]);
    expect(await login(server, admin, { privateKeyFile: last.file })).toBe("root");
    expect(await lab.within("test", `cat ~${admin}/.ssh/authorized_keys`)).toBe(last.line);
  });
});

/** The first commands of the chapter about a lost key, as they are printed. */
function consoleCommands(): string {
  const page = readFileSync(join(projectFolder, "docs", "operations.md"), "utf8");
  const [, chapter = ""] = page.split("\n### The administrator's key is lost\n");
  const [commands = "", update = ""] = [...chapter.matchAll(/```\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
  expect(update).toBe("pulumi up -s prod --run-program\n");
  return commands;
}

describe("a server with a sudo user who has a key, and whose sudo asks for a password", () => {
  test("a wrong password is one failure; with the right one the administrator comes in", async () => {
    const server = lab.machine("prod");
    await lab.within("prod", `rm /etc/sudoers.d/deploy; usermod -aG sudo deploy; echo 'deploy:${password}' | chpasswd`);
    const key = keyPair("sudo-admin");
    const initial = { user: "deploy", privateKeyFile: server.login.privateKeyFile };
    const failures = () =>
      lab.within("prod", "journalctl -q --no-pager _COMM=sudo | grep -c 'authentication failure' || true");

    const misled = await Access.on(server, { ONPREM_INITIAL_PASSWORD: "not the password" });
    misled.keys = [key.line];
    misled.set({ privateKeyFile: key.file, initial });
    const refused = await misled.up();
    expect(refused.errors.join("\n")).toContain(`deploy on ${server.fqdn} cannot become root`);
    expect(refused.output).not.toContain("not the password");
    expect(await failures()).toBe("1");
    await misled.stack[Symbol.asyncDispose]();

    const access = await Access.on(server, { ONPREM_INITIAL_PASSWORD: password });
    access.keys = [key.line];
    access.set({ privateKeyFile: key.file, initial });
    const run = await access.up();
    expect(run.errors).toEqual([]);
    expect(await login(server, admin, { privateKeyFile: key.file })).toBe("root");
    expect(await failures()).toBe("1");
    await access.stack[Symbol.asyncDispose]();
  });
});

function readAll(place: string): string {
  return execFileSync("sh", ["-c", 'find "$1" -type f -exec cat {} +', "sh", place], {
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
}
