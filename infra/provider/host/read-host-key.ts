import ssh2 from "ssh2";
import { Failure } from "../failure.ts";
import { hostKeyTypes } from "../ssh-keys.ts";
import { type Dialled, dial, forwarded, told } from "./dial.ts";
import { Unreachable } from "./errors.ts";
import type { Say } from "./host.ts";
import { type HostKey, hostKeyOf, signatureAlgorithms } from "./host-key.ts";
import { type ConnectionSettings, endpoint } from "./settings.ts";

/** Where to ask for a host key. */
export interface HostKeyQuestion {
  readonly host: string;
  /** @default 22 */
  readonly port?: number;
  /** A jump host, whose own key is pinned. */
  readonly jump?: ConnectionSettings;
  /** Seconds. @default 10 */
  readonly timeout?: number;
  /** Only a key of this type will do. */
  readonly type?: string;
}

/** The server has no key of the type that was asked for. */
class NoSuchKey extends Unreachable {}

/** The keys of a server beside one that is known: a connection for each type that we accept. */
export async function otherHostKeys(question: HostKeyQuestion, known: HostKey, say?: Say): Promise<HostKey[]> {
  const keys: HostKey[] = [];
  for (const type of hostKeyTypes.filter((type) => type !== known.type)) {
    const key = await readHostKey({ ...question, type }, say).catch((error) => {
      if (!(error instanceof NoSuchKey)) throw error;
    });
    if (key !== undefined) keys.push(key);
  }
  return keys;
}

/**
 * The key that a server proves to have, Ed25519 where it has one. Goes as far as the key exchange and logs in nowhere.
 * What it returns is only as trustworthy as the network: a person compares the fingerprint. Rejects with `Unreachable`.
 */
export async function readHostKey(question: HostKeyQuestion, say: Say = () => {}): Promise<HostKey> {
  const { host, port = 22, timeout = 10, type } = question;
  let jump: Dialled | undefined;
  const client = new ssh2.Client();
  const { promise, resolve, reject } = Promise.withResolvers<HostKey>();
  try {
    if (question.jump !== undefined) jump = await dial(question.jump, { say });
    const sock = jump === undefined ? undefined : await forwarded(jump.client, host, port, timeout);
    client.on("error", (error) => reject(error)).on("close", () => reject(new Error("the connection was closed")));
    client.connect({
      ...(sock === undefined ? { host, port } : { sock }),
      username: "nobody",
      readyTimeout: timeout * 1000,
      algorithms: { serverHostKey: signatureAlgorithms(type === undefined ? undefined : [type]) },
      hostVerifier: (blob: Buffer) => {
        resolve(hostKeyOf(Buffer.from(blob)));
        return false;
      },
    });
    return await promise;
  } catch (error) {
    if (error instanceof Failure) throw error;
    const Kind = (error as Error).message.includes("no matching host key") ? NoSuchKey : Unreachable;
    throw new Kind(
      {
        what: `could not read the host key of ${endpoint({ host, port })}`,
        why: told(error as Error, host),
      },
      { cause: error },
    );
  } finally {
    client.removeAllListeners("error").on("error", () => {});
    client.destroy();
    jump?.end();
  }
}
