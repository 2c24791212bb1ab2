import { execFile } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext, createServer, type Server } from "node:tls";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Failure } from "../../../../infra/provider/failure.ts";
import type { PathSeen } from "../../../../infra/provider/host/host.ts";
import { lookScript, readLook, requestScript } from "../../../../infra/provider/resources/acme-certificate-texts.ts";
import { installScript } from "../../../../infra/provider/resources/acme-install-texts.ts";
import { seeFromOutside } from "../../../../infra/provider/resources/acme-outside.ts";
import type { Step } from "../../../../infra/provider/step.ts";
import { type Issuer, issuer, leaf, privatePem, readRequest } from "../acme/certificates.ts";
import { FakeHost } from "../fake-host.ts";

// DNS-2: the scripts of a host, run by this machine's own shell. Its web server shows at 127.0.0.1 what is live; what visitors are shown is
// at 127.0.0.2, at the same port.

const name = "os2mo.kommune.dk";
const unit = "nginx.service";
const quick = { seconds: 1, pause: 50 };
const { signal } = new AbortController();

let root: string;
let folder: string;
let authority: Issuer;
let serial = 1;
let inside: Server;
let port: number;
let said: string[];
const say = (severity: string, message: string) => void said.push(`${severity}: ${message}`);
const open: Server[] = [];

/** This machine as a host: commands are run, files are read. */
class HostHere extends FakeHost {
  readonly address: string | undefined;

  constructor(address: string | undefined) {
    super({});
    this.address = address;
  }

  override async inspect(path: string): Promise<readonly PathSeen[]> {
    const paths = { [path]: existsSync(path) ? { content: readFileSync(path) } : null };
    return new FakeHost({ paths }).inspect(path, { content: 1024 * 1024 });
  }

  override async perform(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (step.do !== "run") throw new Error(`${step.title}: is no command`);
      await command(...step.argv);
      await super.perform([step]);
    }
  }
}

async function command(...[program = "", ...words]: readonly string[]): Promise<string> {
  const env = { ...process.env, PATH: `${root}/bin:${process.env.PATH}` };
  return (await promisify(execFile)(program, words, { env })).stdout;
}

const sh = (script: string, ...words: string[]) => command("sh", "-c", script, "sh", folder, ...words);
const read = (path: string) => readFileSync(join(folder, path), "utf8");
const live = () => readlinkSync(join(folder, "live"));
const unproven = async () => readLook(await sh(lookScript, name, "0")).unproven;
const reloads = () => readFileSync(join(root, "bin", "asked"), "utf8").split("reload").length - 1;
const contextOf = (chain: string, key: string) => createSecureContext({ cert: chain, key });

async function listening(server: Server, address: string, at: number): Promise<number> {
  open.push(server.on("tlsClientError", () => undefined));
  await once(server.listen(at, address), "listening");
  return (server.address() as AddressInfo).port;
}

/** What visitors are shown from now on. */
async function outside(chain: string, key: string): Promise<void> {
  await listening(createServer({ cert: chain, key }), "127.0.0.2", port);
}

/** A new key, its certificate, and what installs them. */
async function install(): Promise<void> {
  await sh(requestScript, "ecdsa-p256", name);
  if (!existsSync(join(folder, "next", "fullchain.pem"))) {
    const der = Buffer.from(read("next/request.pem").replace(/-----[^-]+-----/g, ""), "base64");
    serial += 1;
    const { pem } = await leaf(authority, {
      names: [name],
      publicKey: readRequest(der).publicKey,
      serial: serial.toString(16).padStart(4, "0"),
    });
    writeFileSync(join(folder, "next", "fullchain.pem"), pem + authority.pem);
  }
  await sh(installScript, name, String(port), unit);
}

function see(host = new HostHere("127.0.0.2")): Promise<void> {
  return seeFromOutside({ names: [name], folder, port, unit }, { host, say, signal }, quick);
}

/** The pair stays: nothing waits, and of earlier pairs one is kept for people. */
async function settled(version: string): Promise<void> {
  expect([live(), await unproven()]).toEqual([version, false]);
  expect(readdirSync(folder).sort()).toEqual(["live", "versions"]);
  expect(readdirSync(join(folder, "versions"))).toHaveLength(2);
  expect(readdirSync(join(folder, "live")).sort()).toEqual(["fullchain.pem", "key.pem"]);
}

beforeEach(async () => {
  said = [];
  root = mkdtempSync(join(tmpdir(), "onprem-outside-"));
  folder = join(root, "tls");
  for (const path of ["tls", "bin"]) mkdirSync(join(root, path));
  writeFileSync(join(root, "bin", "systemctl"), '#!/bin/sh\necho "$1" >>"$(dirname "$0")/asked"\n');
  chmodSync(join(root, "bin", "systemctl"), 0o755);
  authority ??= await issuer("CA");
  const SNICallback = (_: string, done: (error: null, context: ReturnType<typeof contextOf>) => void) =>
    done(null, contextOf(read("live/fullchain.pem"), read("live/key.pem")));
  inside = createServer({ SNICallback });
  port = await listening(inside, "127.0.0.1", 0);
  // The first pair: nothing is asked of it, neither on the host nor from outside.
  await install();
  expect([await unproven(), existsSync(join(folder, "before"))]).toEqual([false, false]);
});
afterEach(() => {
  for (const server of open.splice(0)) server.close();
  rmSync(root, { recursive: true });
});

test("the first pair, and one that was proven, are not looked at", async () => {
  await see();
  expect(said).toEqual([]);
});

test("what is installed waits for a look from outside, and stays when it is seen there", async () => {
  const first = live();
  await install();
  expect([readlinkSync(join(folder, "before")), await unproven()]).toEqual([first, true]);
  await outside(read("live/fullchain.pem"), read("live/key.pem"));
  await see();
  expect(said).toEqual([]);
  await settled(live());
  expect(live()).not.toBe(first);
});

describe("visitors who would believe another certificate", () => {
  test("are the old pair's again: the run fails, and the next one asks for no other certificate", async () => {
    const first = live();
    await outside(read("live/fullchain.pem"), read("live/key.pem"));
    await install();
    const chain = read("live/fullchain.pem");
    const before = reloads();
    const error = await see().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Failure);
    const { what, why, remedy } = (error as Failure).explanation;
    expect(what).toBe(`could not install the certificate of ${name} on dev.example.dk`);
    expect(why).toMatch(
      new RegExp(
        `^seen from here, 127.0.0.2:${port} after 1 s shows the old one: a certificate for DNS:${name}, issued by CN=CA, good until 20[0-9T:.-]+Z; the server itself showed the new one$`,
      ),
    );
    expect(remedy).toContain("The old certificate is back; the new one is kept for the next run");
    expect([live(), await unproven(), reloads()]).toEqual([first, false, before + 1]);
    expect(readdirSync(folder).sort()).toEqual(["live", "next", "versions"]);
    // The key, the request and the chain, as they were.
    open.pop()?.close();
    await install();
    expect(read("live/fullchain.pem")).toBe(chain);
    await outside(chain, read("live/key.pem"));
    await see();
    await settled(live());
  });

  test("also where it is another one of an authority", async () => {
    const first = live();
    const other = await leaf(authority, { names: [name] });
    await outside(other.pem, await privatePem(other.keys));
    await install();
    await expect(see()).rejects.toThrow("shows another: a certificate for");
    expect(live()).toBe(first);
  });
});

describe("what was seen on the host decides, and it is told, where", () => {
  const itself = "The server itself shows the new one.";

  test("nobody answers from here", async () => {
    await install();
    await see();
    expect(said).toEqual([
      `info: the new certificate of ${name} was not seen from here: nobody answers at 127.0.0.2:${port}: connect ECONNREFUSED 127.0.0.2:${port}. ${itself}`,
    ]);
    await settled(live());
  });

  test("no address leads there", async () => {
    await install();
    await see(new HostHere(undefined));
    expect(said).toEqual([
      `info: the new certificate of ${name} was not looked at from outside: SSH reaches dev.example.dk by a jump host or a tunnel, and HTTPS does not. ${itself}`,
    ]);
    await settled(live());
  });

  test.each([
    ["another name", "other.dk", "CA", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["the name, made up on the way", name, "Proxy", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"],
  ])("somebody shows a certificate for %s", async (_, names, by, flaw) => {
    const other = await leaf(by === "CA" ? authority : await issuer(by), { names: [names] });
    await outside(other.pem, await privatePem(other.keys));
    await install();
    await see();
    expect(said).toEqual([
      expect.stringMatching(
        new RegExp(
          `^warning: the new certificate of ${name} was not seen from here: 127.0.0.2:${port} shows another: a certificate for DNS:${names}, issued by CN=${by}, good until \\S+\\. No visitor would believe that \\(${flaw}\\)\\. ${itself} Does a proxy stand in between`,
        ),
      ),
    ]);
    await settled(live());
  });
});

describe("a run that was killed", () => {
  test("after it had installed another pair: the next that is refused gives way to the one that was proven last", async () => {
    const proven = live();
    await outside(read("live/fullchain.pem"), read("live/key.pem"));
    await install();
    await install();
    expect(readlinkSync(join(folder, "before"))).toBe(proven);
    await expect(see()).rejects.toThrow("shows the old one");
    expect([live(), await unproven()]).toEqual([proven, false]);
  });

  test("before it had changed anything: what it has left goes", async () => {
    await install();
    await see();
    symlinkSync(live(), join(folder, "before"));
    expect(await unproven()).toBe(false);
    await see();
    expect(existsSync(join(folder, "before"))).toBe(false);
  });

  test("while it put the old pair back: the next run has nothing to prove", async () => {
    const first = live();
    await outside(read("live/fullchain.pem"), read("live/key.pem"));
    await install();
    const killed = new HostHere("127.0.0.2");
    killed.perform = () => Promise.reject(new Failure({ what: "lost the connection", why: "killed" }));
    await expect(see(killed)).rejects.toThrow("lost the connection");
    expect(await unproven()).toBe(true);
    await expect(see()).rejects.toThrow("The old certificate is back");
    expect([live(), await unproven()]).toEqual([first, false]);
  });
});
