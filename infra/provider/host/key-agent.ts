import { rmSync } from "node:fs";
import { chmod, mkdir, readdir, rm } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import ssh2, { type ParsedKey } from "ssh2";

/** A private key to serve: its text, and what opens it. */
export interface ServedKey {
  readonly text: string;
  readonly passphrase?: string;
}

/**
 * An SSH agent (draft-miller-ssh-agent) in this process, for a plugin that takes a socket but no key file: so the key
 * itself never becomes an input, and never gets into the state.
 *
 * It ends with the process and keeps no process alive. A text that is no private key is not served. Sockets beside this one that a
 * killed process left are removed.
 *
 * @param socket Path of at most 100 bytes (unix(7)); its folder is made, for this account alone.
 */
export async function serveKeys(keys: readonly ServedKey[], socket: string): Promise<Server> {
  const parsed = keys.map(({ text, passphrase }) => [ssh2.utils.parseKey(text, passphrase)].flat()[0]);
  const usable = parsed.filter((key): key is ParsedKey => key !== undefined && !(key instanceof Error));
  await mkdir(dirname(socket), { recursive: true, mode: 0o700 });
  await chmod(dirname(socket), 0o700);
  await rm(socket, { force: true });
  await removeStale(dirname(socket));
  const server = createServer((connection) => {
    const protocol = new ssh2.AgentProtocol(false);
    protocol.on("identities", (request) => protocol.getIdentitiesReply(request, usable));
    protocol.on("sign", (request, publicKey, data, { hash }) => {
      const key = usable.find((candidate) => candidate.getPublicSSH().equals(publicKey.getPublicSSH()));
      const signature = key?.sign(data, hash);
      if (signature === undefined || signature instanceof Error) protocol.failureReply(request);
      else protocol.signReply(request, wireForm(publicKey.type, signature));
    });
    protocol.on("error", () => connection.destroy());
    connection.on("error", () => protocol.destroy());
    connection.pipe(protocol).pipe(connection);
    connection.unref();
  });
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socket, resolve);
  });
  await chmod(socket, 0o600);
  process.once("exit", () => rmSync(socket, { force: true }));
  return server;
}

/** Remove the sockets of a folder at which nobody listens. */
async function removeStale(folder: string): Promise<void> {
  for (const name of (await readdir(folder)).filter((name) => name.endsWith(".sock"))) {
    const path = join(folder, name);
    const refused = await new Promise<boolean>((resolve) => {
      const probe = connect(path, () => probe.destroy());
      probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
      probe.once("close", () => resolve(false));
    });
    if (refused) await rm(path, { force: true });
  }
}

/** ECDSA signatures are two numbers: ASN.1 in the crypto library, two mpints on the wire (RFC 5656, section 3.1.2). */
function wireForm(type: string, signature: Buffer): Buffer {
  if (!type.startsWith("ecdsa-")) return signature;
  // SEQUENCE { INTEGER r, INTEGER s }; at most 139 bytes for nistp521, so a length may take a second byte.
  let at = (signature[1] ?? 0) & 0x80 ? 3 : 2;
  const numbers = [0, 1].map(() => {
    const length = signature[at + 1] ?? 0;
    const number = signature.subarray(at + 2, at + 2 + length);
    at += 2 + length;
    return number;
  });
  return Buffer.concat(
    numbers.flatMap((number) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(number.length);
      return [length, number];
    }),
  );
}
