import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { MachineStatus, ServerName } from "../../lab/status.ts";
import { finish } from "../../scripts/command.ts";
import { projectFolder } from "../../scripts/engine/environment.ts";
import { lab as theLab, within } from "./on-lab.ts";

const lab = theLab();

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onprem-trust-"));
  file = join(folder, "Pulumi.prod.yaml");
});
afterEach(() => rm(folder, { recursive: true }));

function machine(name: ServerName): MachineStatus {
  const found = lab.machines.find((machine) => machine.name === name);
  if (found === undefined) throw new Error(`the lab has no ${name}`);
  return found;
}

function trust(...words: string[]) {
  const script = join(projectFolder, "scripts", "trust.ts");
  return finish([process.execPath, script, "prod", "--config-file", file, ...words], { timeout: 60 });
}

/** The fingerprint as another program sees it. */
async function fingerprint(name: ServerName): Promise<string> {
  const { stdout } = await finish(["ssh-keygen", "-lf", "-"], { input: `${machine(name).hostKey}\n` });
  return stdout.split(" ")[1] ?? "";
}

const settings = (name: ServerName, more: string[] = []) =>
  [
    `config:`,
    `  # of a lab`,
    `  os2mo-on-prem:server:`,
    `    host: ${machine(name).addresses.v4} # here`,
    ...more,
    ``,
  ].join("\n");

test("a key with the right fingerprint is recorded, and then there is nothing to do", async () => {
  await writeFile(file, settings("test"));
  const first = await trust("--fingerprint", await fingerprint("test"));
  expect({ code: first.code, stderr: first.stderr.split("\n") }).toEqual({
    code: 0,
    stderr: [
      `server ${machine("test").addresses.v4}:22 shows ssh-ed25519 ${await fingerprint("test")}`,
      `recorded in ${file}`,
      "",
    ],
  });
  const recorded = settings("test", [`    hostKey: ${machine("test").hostKey}`]);
  expect(await readFile(file, "utf8")).toBe(recorded);
  const second = await trust();
  expect({ code: second.code, last: second.stderr.split("\n").at(-2) }).toEqual({
    code: 0,
    last: "that key is recorded already; nothing to do",
  });
  expect(await readFile(file, "utf8")).toBe(recorded);
});

test("a server that shows another key than the recorded one is refused with both fingerprints, until --replace", async () => {
  const pinned = settings("test", [`    hostKey: ${machine("dev").hostKey}`]);
  await writeFile(file, pinned);
  const refused = await trust("--yes");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(await fingerprint("test"));
  expect(refused.stderr).toContain(await fingerprint("dev"));
  expect(await readFile(file, "utf8")).toBe(pinned);
  expect((await trust("--yes", "--replace")).code).toBe(0);
  expect(await readFile(file, "utf8")).toBe(settings("test", [`    hostKey: ${machine("test").hostKey}`]));
});

test("nobody at the terminal, or the wrong fingerprint: nothing is recorded", async () => {
  await writeFile(file, settings("test"));
  for (const words of [[], ["--fingerprint", await fingerprint("dev"), "--yes"]]) {
    expect((await trust(...words)).code).toBe(1);
    expect(await readFile(file, "utf8")).toBe(settings("test"));
  }
});

test("every form of every key that the server's console shows is there to compare, beside the command that shows it", async () => {
  await writeFile(file, settings("test"));
  const { stderr } = await trust("--yes");
  const lines = stderr.split("\n");
  const commands = lines.filter((line) => line.startsWith("  ssh-keygen ")).map((line) => line.trim());
  // Ed25519, ECDSA and RSA, each in two forms.
  expect(commands).toHaveLength(6);
  for (const command of commands) {
    const [said = "", ...picture] = (await within(machine("test"), command)).split("\n");
    expect(lines[lines.indexOf(`  ${command}`) + 1]).toBe(`    ${said.split(" ")[1]}`);
    for (const row of picture) expect(stderr).toContain(row);
  }
});

test("a jump host is trusted first, and the server through it", async () => {
  const { addresses, login } = machine("dev");
  const jump = [
    "    jump:",
    `      host: ${addresses.v4}`,
    "      user: deploy",
    `      privateKeyFile: ${login.privateKeyFile}`,
  ];
  await writeFile(file, settings("test", jump));
  const both = await trust("--fingerprint", await fingerprint("dev"), "--fingerprint", await fingerprint("test"));
  expect({ code: both.code, stderr: both.code === 0 ? "" : both.stderr }).toEqual({ code: 0, stderr: "" });
  const pinned = [...jump.slice(0, 2), `      hostKey: ${machine("dev").hostKey}`, ...jump.slice(2)];
  expect(await readFile(file, "utf8")).toBe(settings("test", [`    hostKey: ${machine("test").hostKey}`, ...pinned]));
});

test("the vendor's hub and master get their keys where their logins stand; --only takes one of them", async () => {
  const vendor = lab.machines.find(({ name }) => name === "vendor");
  const host = vendor?.addresses.v4;
  const written = ({ hub = "", master = "" } = {}) =>
    [
      settings("test", [`    hostKey: ${machine("test").hostKey}`]).trimEnd(),
      "  os2mo-on-prem:vpn:",
      "    wireguard:",
      "      hub:",
      "        login:",
      `          host: ${host}${hub}`,
      "  os2mo-on-prem:management:",
      "    salt:",
      "      login:",
      `        host: ${host}${master}`,
      "        user: deploy",
      "",
    ].join("\n");
  const key = (indent: string) => `\n${indent}hostKey: ${vendor?.hostKey}`;
  await writeFile(file, written());
  expect(await trust("--yes", "--only", "master")).toMatchObject({ code: 0 });
  expect(await readFile(file, "utf8")).toBe(written({ master: key("        ") }));
  const all = await trust("--yes");
  expect(all.stderr).toContain(`hub ${host}:22 shows ssh-ed25519 SHA256:`);
  expect(await readFile(file, "utf8")).toBe(written({ hub: key("          "), master: key("        ") }));
  const none = await trust("--yes", "--only", "jump");
  expect({ code: none.code, said: none.stderr }).toEqual({
    code: 1,
    said: expect.stringContaining("it names: server, hub, master"),
  });
});
