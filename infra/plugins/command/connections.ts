import type { Say } from "../../provider/host/host.ts";
import type { ConnectionSettings } from "../../provider/host/settings.ts";
import { connect, type SshHost } from "../../provider/host/ssh-host.ts";
import type { Connection, Login } from "./inputs.ts";

/** Seconds that stand for "no maximum": an attempt, and all of them together. */
const unlimited = { attempt: 20, all: 24 * 3600 };

/** Hosts by how they are reached: one connection for all resources that name the same, kept until the run ends. */
export class Connections {
  readonly #hosts = new Map<string, Promise<SshHost>>();
  readonly #stop = new AbortController();

  /** The host, connected. Whoever asks first hears, by `say`, what goes on meanwhile. */
  to(connection: Connection, say: Say): Promise<SshHost> {
    const settings = settingsOf(connection);
    const key = JSON.stringify(settings);
    const known = this.#hosts.get(key);
    if (known !== undefined) return known;
    const host = connect(settings, { say, signal: this.#stop.signal });
    this.#hosts.set(key, host);
    return host;
  }

  /** Ends every connection, and what runs over it. */
  cancel(): void {
    this.#stop.abort();
  }
}

/** A connection as the official plugin's inputs describe it, as our own SSH takes it. */
export function settingsOf(connection: Login & Pick<Connection, "proxy">): ConnectionSettings {
  const { host, port, user, hostKey, privateKey, privateKeyPassword, proxy } = connection;
  const agent = connection.agentSocketPath ?? process.env.SSH_AUTH_SOCK;
  return {
    host,
    port,
    user,
    privileged: false,
    hostKey,
    dialTimeout: dialTimeout(connection),
    ...(privateKey === undefined ? {} : { privateKey }),
    ...(privateKeyPassword === undefined ? {} : { passphrase: privateKeyPassword }),
    ...(agent === undefined || agent === "" ? {} : { agent }),
    ...(proxy === undefined ? {} : { jump: settingsOf(proxy) }),
  };
}

/** Our SSH counts seconds, not attempts: as many as all the attempts may take. */
function dialTimeout({ dialErrorLimit, perDialTimeout }: Login): number {
  if (dialErrorLimit < 0) return unlimited.all;
  return Math.min((dialErrorLimit + 1) * (perDialTimeout || unlimited.attempt), unlimited.all);
}
