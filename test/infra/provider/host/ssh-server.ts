import { spawn } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect as connectTo } from "node:net";
import ssh2, { type AuthContext, type Connection } from "ssh2";
import type { ConnectionSettings } from "../../../../infra/provider/host/settings.ts";
import { ed25519Pair } from "../../../ed25519.ts";

const { Server } = ssh2;

export const hostPair = ed25519Pair();
export const loginPair = ed25519Pair();

/** One attempt to log in, as the server sees it. */
export interface Attempt {
  readonly user: string;
  readonly method: string;
  /** The public key, as `type base64`. */
  readonly key?: string;
  readonly password?: string;
}

export interface ServerOptions {
  /** Whether a key is let in. @default true */
  readonly admit?: boolean;
  /** Who is let in, where not everybody who is admitted. */
  readonly opens?: (attempt: Attempt) => boolean;
  /** Ways to log in that the server offers. @default ["publickey"] */
  readonly methods?: readonly ("publickey" | "password" | "keyboard-interactive")[];
  /** What `keyboard-interactive` asks. @default the password */
  readonly questions?: readonly { readonly prompt: string; readonly echo: boolean }[];
  /** Seconds until a key is let in. @default 0 */
  readonly thinks?: number;
  /** What runs instead of the command that was asked for. */
  readonly command?: string;
  /** What becomes of the command that was asked for, as by a login shell. */
  readonly wrap?: (command: string) => string;
  /** Never answers a command: a server that is very slow. @default false */
  readonly mute?: boolean;
  /** Port to listen on. @default a free one */
  readonly port?: number;
}

/** An SSH server in this process that runs commands as the account of the test: sshd without root, a file or a port of its own. */
export interface TestServer {
  readonly settings: ConnectionSettings;
  readonly port: number;
  /** TCP connections that were accepted. */
  readonly connections: number;
  /** Login attempts with a key. */
  readonly logins: number;
  /** Every attempt, and what it showed; a key is shown once before it signs. */
  readonly attempts: readonly Attempt[];
  /** Commands that were asked for. */
  readonly commands: number;
  /** Cuts every connection without a word. */
  cut(): void;
  stop(): Promise<void>;
}

export async function sshServer({
  admit = true,
  opens = () => true,
  methods = ["publickey"],
  questions = [{ prompt: "Password: ", echo: false }],
  thinks = 0,
  command,
  wrap = (asked) => asked,
  mute = false,
  port = 0,
}: ServerOptions = {}): Promise<TestServer> {
  const clients = new Set<Connection>();
  let connections = 0;
  let logins = 0;
  let commands = 0;
  const attempts: Attempt[] = [];
  const judge = (context: AuthContext, more: Partial<Attempt>) => {
    const attempt = { user: context.username, method: context.method, ...more };
    attempts.push(attempt);
    if (opens(attempt)) context.accept();
    else context.reject([...methods]);
  };
  const server = new Server({ hostKeys: [hostPair.private] }, (client) => {
    connections += 1;
    clients.add(client);
    client.on("error", () => {});
    client.on("close", () => clients.delete(client));
    client.on("authentication", (context) => {
      if (!(methods as readonly string[]).includes(context.method)) return context.reject([...methods]);
      if (context.method === "password") return judge(context, { password: context.password });
      if (context.method === "keyboard-interactive") {
        return context.prompt([...questions], (answers) => judge(context, { password: answers.join(" ") }));
      }
      if (context.method !== "publickey") return context.reject([...methods]);
      logins += 1;
      if (!admit) return context.reject([...methods]);
      const key = `${context.key.algo} ${context.key.data.toString("base64")}`;
      if (thinks === 0) return judge(context, { key });
      setTimeout(() => judge(context, { key }), thinks * 1000);
    });
    client.on("ready", () => {
      client.on("tcpip", (accept, _reject, { destIP, destPort }) => {
        const channel = accept();
        const socket = connectTo(destPort, destIP);
        socket.on("error", () => channel.end());
        channel.pipe(socket).pipe(channel);
      });
      client.on("session", (accept) => {
        accept().on("exec", (accept, _reject, { command: asked }) => {
          commands += 1;
          if (mute) return;
          const channel = accept();
          const child = spawn("/bin/sh", ["-c", command ?? wrap(asked)]);
          child.stdin.on("error", () => {});
          channel.pipe(child.stdin);
          child.stdout.pipe(channel, { end: false });
          child.stderr.pipe(channel.stderr, { end: false });
          child.on("close", (code) => {
            channel.exit(code ?? 1);
            channel.end();
          });
        });
      });
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  const cut = () => {
    // ssh2 has no other way to a connection's socket.
    for (const client of clients) (client as unknown as { _sock: { destroy(): void } })._sock.destroy();
  };
  return {
    port: address.port,
    settings: {
      host: "127.0.0.1",
      port: address.port,
      hostKey: hostPair.public,
      privateKey: loginPair.private,
      name: "trial",
    },
    get connections() {
      return connections;
    },
    get commands() {
      return commands;
    },
    get logins() {
      return logins;
    },
    attempts,
    cut,
    async stop() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
