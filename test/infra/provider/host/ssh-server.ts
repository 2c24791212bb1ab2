import { spawn } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect as connectTo } from "node:net";
import ssh2, { type Connection } from "ssh2";
import type { ConnectionSettings } from "../../../../infra/provider/host/settings.ts";
import { ed25519Pair } from "../../../ed25519.ts";

const { Server } = ssh2;

export const hostPair = ed25519Pair();
export const loginPair = ed25519Pair();

export interface ServerOptions {
  /** Whether a key is let in. @default true */
  readonly admit?: boolean;
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
  /** Commands that were asked for. */
  readonly commands: number;
  /** Cuts every connection without a word. */
  cut(): void;
  stop(): Promise<void>;
}

export async function sshServer({
  admit = true,
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
  const server = new Server({ hostKeys: [hostPair.private] }, (client) => {
    connections += 1;
    clients.add(client);
    client.on("error", () => {});
    client.on("close", () => clients.delete(client));
    client.on("authentication", (context) => {
      if (context.method !== "publickey") return context.reject(["publickey"]);
      logins += 1;
      if (!admit) return context.reject(["publickey"]);
      if (thinks === 0) return context.accept();
      setTimeout(() => context.accept(), thinks * 1000);
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
    cut,
    async stop() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
