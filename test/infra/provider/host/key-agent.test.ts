import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ssh2, { type ParsedKey } from "ssh2";
import { afterAll, expect, test } from "vitest";
import { serveKeys } from "../../../../infra/provider/host/key-agent.ts";
import { ed25519Pair } from "../../../ed25519.ts";

const folder = mkdtempSync(join(tmpdir(), "onprem-key-agent-"));
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

const texts: Readonly<Record<string, string>> = {
  "ssh-rsa": privateKey(generateKeyPairSync("rsa", { modulusLength: 2048 }), "pkcs1"),
  "ecdsa-sha2-nistp256": privateKey(generateKeyPairSync("ec", { namedCurve: "P-256" }), "sec1"),
  "ecdsa-sha2-nistp521": privateKey(generateKeyPairSync("ec", { namedCurve: "P-521" }), "sec1"),
  "ssh-ed25519": ed25519Pair().private,
};

function privateKey(pair: { privateKey: KeyObject }, type: "pkcs1" | "sec1"): string {
  return pair.privateKey.export({ type, format: "pem" }).toString();
}

async function served(keys: readonly string[]): Promise<ssh2.OpenSSHAgent> {
  const socket = join(folder, "sockets", `${servers.length}.sock`);
  servers.push(
    await serveKeys(
      keys.map((text) => ({ text })),
      socket,
    ),
  );
  return new ssh2.OpenSSHAgent(socket);
}

function identities(agent: ssh2.OpenSSHAgent): Promise<ParsedKey[]> {
  return new Promise((resolve, reject) => {
    agent.getIdentities((error, keys) => (keys === undefined ? reject(error) : resolve(keys as ParsedKey[])));
  });
}

function signature(agent: ssh2.OpenSSHAgent, key: ParsedKey, data: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    agent.sign(key, data, key.type === "ssh-rsa" ? { hash: "sha256" } : {}, (error, made) =>
      made === undefined ? reject(error) : resolve(made),
    );
  });
}

test.each(Object.entries(texts))(
  "a key of type %s is offered, and signs what its public half accepts",
  async (type, text) => {
    const agent = await served([text]);
    const [key] = await identities(agent);
    expect(key?.type).toBe(type);
    const data = Buffer.from("what a server asks to be signed");
    const made = await signature(agent, key as ParsedKey, data);
    expect((key as ParsedKey).verify(data, libraryForm(type, made), hash(type))).toBe(true);
  },
);

test("what is no private key is not offered, and another's key is not signed with", async () => {
  const agent = await served(["no key", texts["ssh-ed25519"] ?? ""]);
  expect((await identities(agent)).map(({ type }) => type)).toEqual(["ssh-ed25519"]);
  const other = ssh2.utils.parseKey(ed25519Pair().private) as ParsedKey;
  await expect(signature(agent, other, Buffer.from("x"))).rejects.toThrow();
});

test("the socket is for its owner alone, and one that was left behind is replaced", async () => {
  const socket = join(folder, "left", "agent.sock");
  for (const _ of [1, 2]) servers.push(await serveKeys([{ text: texts["ssh-ed25519"] ?? "" }], socket));
  expect([statSync(socket).mode & 0o777, statSync(join(folder, "left")).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(await identities(new ssh2.OpenSSHAgent(socket))).toHaveLength(1);
});

/** Only RSA leaves the hash open (RFC 8332). */
function hash(type: string): string | undefined {
  return type === "ssh-rsa" ? "sha256" : undefined;
}

/** The two numbers of an ECDSA signature as ASN.1, which the crypto library verifies. */
function libraryForm(type: string, made: Buffer): Buffer {
  if (!type.startsWith("ecdsa-")) return made;
  const first = made.readUInt32BE(0);
  const numbers = [made.subarray(4, 4 + first), made.subarray(8 + first)];
  const body = Buffer.concat(numbers.flatMap((number) => [Buffer.from([2, number.length]), number]));
  const length = body.length < 128 ? [body.length] : [0x81, body.length];
  return Buffer.concat([Buffer.from([0x30, ...length]), body]);
}

test("what a killed process left is removed, and no other's socket", async () => {
  const left = join(folder, "sockets", "left.sock");
  const alive = await served([]);
  const listenAndDie = `require("net").createServer().listen(${JSON.stringify(left)}, () => process.kill(process.pid, "SIGKILL"))`;
  expect(() => execFileSync(process.execPath, ["-e", listenAndDie], { stdio: "ignore" })).toThrow();
  expect(existsSync(left)).toBe(true);
  await served([]);
  expect(existsSync(left)).toBe(false);
  expect(await identities(alive)).toEqual([]);
});
