import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { type ServedKey, serveKeys } from "../provider/host/key-agent.ts";
import { type ConnectionSettings, withDefaults } from "../provider/host/settings.ts";

/** How `@pulumi/command` logs in to a host: the part of its ConnectionArgs that we use. */
export interface ActionsLogin {
  host: string;
  port: number;
  user: string;
  hostKey: string;
  agentSocketPath?: string;
  privateKey?: pulumi.Output<string>;
  privateKeyPassword?: pulumi.Output<string>;
}

/** How `@pulumi/command` logs in to a server, through its jump host where there is one. */
export interface ActionsConnection extends ActionsLogin {
  proxy?: ActionsLogin;
}

/** The lasting login of a server: actions come after what made it, so they need no other. */
export type LastingLogin = Omit<ConnectionSettings, "initial" | "previous">;

/**
 * The same login for actions as the provider's own. `@pulumi/command` takes no path of a key file, and what it takes is
 * kept in the state: so the keys of files are served by an agent of this process, and only the agent's socket is an input.
 *
 * @param serve Whether anything will log in: in a preview nothing does, and no key is read.
 * @param by Who logs in, where several may at once on the same host: the stack's name.
 */
export async function actionsConnection(settings: LastingLogin, serve: boolean, by = ""): Promise<ActionsConnection> {
  const { jump } = settings;
  const files = [settings, ...(jump === undefined ? [] : [jump])].filter((one) => one.privateKeyFile !== undefined);
  const socket = socketPath(settings, by);
  if (serve && files.length > 0) await serveKeys(await Promise.all(files.map(servedKey)), socket);
  return {
    ...login(settings, socket),
    ...(jump === undefined ? {} : { proxy: login(jump, socket) }),
  };
}

/**
 * The key that a client in Go meets: it lets the server choose among the types that it likes, ECDSA first, and then
 * compares with the one key that it was given.
 */
export function metKey(hostKey: string): string {
  const lines = hostKey.split("\n");
  return lines.find((line) => line.startsWith("ecdsa-")) ?? lines.find((line) => line.startsWith("ssh-rsa")) ?? hostKey;
}

function login(settings: ConnectionSettings, socket: string): ActionsLogin {
  const { host, port, user, hostKey, privateKey, passphrase, privateKeyFile, agent } = withDefaults(settings);
  const path = privateKeyFile === undefined ? agent : socket;
  return {
    host,
    port,
    user,
    hostKey: metKey(hostKey),
    // The agent at $SSH_AUTH_SOCK is found without being told, and its path would differ after each log-in.
    ...(path === undefined || path === "$SSH_AUTH_SOCK" ? {} : { agentSocketPath: path }),
    ...(privateKey === undefined ? {} : { privateKey: pulumi.secret(privateKey) }),
    ...(privateKey === undefined || passphrase === undefined ? {} : { privateKeyPassword: pulumi.secret(passphrase) }),
  };
}

async function servedKey({ privateKeyFile = "", passphrase }: ConnectionSettings): Promise<ServedKey> {
  const text = await readFile(privateKeyFile.replace(/^~(?=\/)/, homedir()), "utf8");
  return { text, ...(passphrase === undefined ? {} : { passphrase }) };
}

/** The same in every run for one server, and another for any other: it is an input, and updates run side by side. */
function socketPath({ host, port = 22, hostKey }: ConnectionSettings, by: string): string {
  const name = createHash("sha256").update(`${by}${host}:${port} ${hostKey}`).digest("hex").slice(0, 16);
  return join(tmpdir(), `onprem-${process.getuid?.() ?? "agent"}`, `${name}.sock`);
}
