import type { Duplex } from "node:stream";
import ssh2, { type Client } from "ssh2";
import { reason } from "../failure.ts";
import { credentials } from "./authentication.ts";
import { Cancelled, HostKeyMismatch, LoginRefused, Unreachable } from "./errors.ts";
import type { Say } from "./host.ts";
import { hostKeyOf, pinnedKeys, signatureAlgorithms } from "./host-key.ts";
import { type ConnectionSettings, endpoint, isThisMachine, withDefaults } from "./settings.ts";
import { vpnHint } from "./vpn-hint.ts";

export interface DialOptions {
  readonly say: Say;
  readonly signal?: AbortSignal | undefined;
  /** Seconds that one attempt may take, from the first packet to the accepted login. @default what is left of `dialTimeout` */
  readonly attempt?: number;
  /** Seconds of an attempt until the server must have proven its key. A login may take longer, as with a dead resolver. @default 20 */
  readonly answer?: number;
}

/** An authenticated connection, and the jump host's below it. */
export interface Dialled {
  readonly client: Client;
  end(): void;
}

/** What may pass by itself: a booting server, a full queue. Everything else ends the dialling at once. */
class Retriable extends Error {}

/** Milliseconds between two notices that we still wait. */
const noticeEvery = 5_000;

/** Seconds for one attempt: a slow login fits, and a server that fell silent in the middle of one leaves time for another. */
const longestAttempt = 60;

/**
 * Connects and logs in. While nothing answers it tries again with growing pauses until `dialTimeout`; a wrong host key,
 * a refused login or an unknown name ends it at once, for trying those again gets a source banned by sshd
 * (PerSourcePenalties, sshd_config(5)).
 */
export async function dial(given: ConnectionSettings, options: DialOptions): Promise<Dialled> {
  const settings = withDefaults(given);
  const pinned = pinnedKeys(given);
  const keys = await credentials(given);
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  let jump: Dialled | undefined;
  let noticed = began;
  for (let pause = 0.4; ; pause = Math.min(pause * 1.6, 4)) {
    let why: string;
    try {
      if (settings.jump !== undefined) jump ??= await dial(settings.jump, options);
      const left = Math.max(settings.dialTimeout - elapsed(), 1);
      const through = jump === undefined ? undefined : await forwarded(jump.client, settings.host, settings.port, left);
      const seconds = Math.min(options.attempt ?? longestAttempt, left);
      const client = await attempt(settings, pinned, keys, through, seconds, options);
      return {
        client,
        end() {
          client.end();
          jump?.end();
        },
      };
    } catch (error) {
      jump?.end();
      jump = undefined;
      if (!(error instanceof Retriable)) throw error;
      why = error.message;
    }
    if (elapsed() + pause >= settings.dialTimeout) throw await unreachable(settings, why, elapsed());
    if (performance.now() - noticed >= noticeEvery) {
      noticed = performance.now();
      options.say("info", `waiting for ssh on ${endpoint(settings)}, ${Math.round(elapsed())} s so far: ${why}`);
    }
    // Jitter, so that many clients of one booting server do not come at the same moment.
    await sleep(pause * (0.75 + Math.random() / 2), settings.name, options.signal);
  }
}

async function unreachable(settings: ConnectionSettings, why: string, seconds: number): Promise<Unreachable> {
  const { host, name } = settings;
  return new Unreachable({
    what: `no ssh on ${endpoint(settings)}${name === host ? "" : ` (${name})`}`,
    why: `${why}; tried for ${Math.round(seconds)} s`,
    remedy: await whatToAsk(settings),
  });
}

/** What may be in the way of a host that does not answer. */
async function whatToAsk({ host, port, jump, vpn }: ConnectionSettings): Promise<string> {
  if (jump !== undefined) {
    const tunnel = vpn?.dialIn === false ? `, and the server's tunnel: ${vpn.name}` : "";
    return `Is the server up, is the address right as ${jump.host} sees it, and may ${jump.host} reach that port${tunnel}?`;
  }
  if (isThisMachine(host)) {
    return `${host} is this machine: is the local tunnel up that leads from its port ${port ?? 22} to the server (\`ssh -L\`)?`;
  }
  if (vpn !== undefined) return vpnHint(vpn, host);
  return "Is the server up, is the address right, and may this machine reach that port?";
}

async function attempt(
  settings: ReturnType<typeof withDefaults>,
  pinned: ReturnType<typeof pinnedKeys>,
  keys: Awaited<ReturnType<typeof credentials>>,
  sock: Duplex | undefined,
  seconds: number,
  options: DialOptions,
): Promise<Client> {
  const client = new ssh2.Client();
  const untried = [...keys.methods];
  const notes: string[] = [];
  let accepts: readonly string[] = [];
  let greeting = "";
  let trusted = false;
  const { promise, resolve, reject } = Promise.withResolvers<Client>();
  const cancel = () => reject(new Cancelled(settings.name));
  if (options.signal?.aborted) throw new Cancelled(settings.name);
  options.signal?.addEventListener("abort", cancel, { once: true });
  const silent = setTimeout(() => reject(new Retriable("no answer")), Math.min(options.answer ?? 20, seconds) * 1000);
  client.on("handshake", () => clearTimeout(silent));
  // Requests are small and answered at once: Nagle's algorithm would hold each back for 40 ms.
  client.on("connect", () => client.setNoDelay(true));
  client.on("ready", () => resolve(client));
  client.on("banner", (text) => {
    greeting = text.trim();
  });
  client.on("error", (error: Error & { level?: string; code?: unknown }) => {
    if (error.level === "agent") notes.push(`the SSH agent: ${error.message}`);
    else if (error.level === "client-authentication" || (trusted && error.code === 14) /* RFC 4253 11.1: no more */) {
      reject(refused(settings, [...keys.described, ...notes], accepts));
    } else if (error.level === "handshake" && error.message.includes("no matching host key")) {
      reject(new HostKeyMismatch(settings.name, pinned, undefined));
    } else if (error.code === "ENOTFOUND" || error.level === "handshake") {
      reject(
        new Unreachable(
          { what: `cannot talk to ${endpoint(settings)}`, why: told(error, settings.host) },
          { cause: error },
        ),
      );
    } else
      reject(
        trusted && error.code === 2
          ? refusedBy(settings, error, keys.described)
          : new Retriable(trusted && error.level === "client-timeout" ? slowLogin : told(error, settings.host)),
      );
  });
  // ssh2 waits for a new password then, which nobody has.
  client.on("change password", (said: string) => reject(expired(settings, said)));
  client.on("close", () => reject(new Retriable(greeting === "" ? "the connection was closed" : greeting)));
  try {
    client.connect({
      ...(sock === undefined ? { host: settings.host, port: settings.port } : { sock }),
      username: settings.user,
      readyTimeout: seconds * 1000,
      // A cut without a reset is noticed after 20 to 25 s.
      keepaliveInterval: 5_000,
      keepaliveCountMax: 4,
      algorithms: { serverHostKey: signatureAlgorithms(pinned.map((key) => key.type)) },
      hostVerifier: (blob: Buffer) => {
        trusted = pinned.some((key) => key.blob.equals(blob));
        if (!trusted) reject(new HostKeyMismatch(settings.name, pinned, hostKeyOf(blob)));
        return trusted;
      },
      authHandler: (left, _partial, next) => {
        accepts = left ?? accepts;
        const method = untried.shift();
        next((typeof method === "function" ? method(accepts) : method) ?? (false as never));
      },
    });
    await promise;
    // Whoever uses the connection learns of its end by "close"; an error without a listener would end the process.
    client
      .removeAllListeners("error")
      .removeAllListeners("close")
      .on("error", () => {});
    return client;
  } catch (error) {
    // An error that comes after the verdict has nobody to tell.
    client.removeAllListeners("error").on("error", () => {});
    client.destroy();
    sock?.destroy();
    throw error;
  } finally {
    clearTimeout(silent);
    options.signal?.removeEventListener("abort", cancel);
  }
}

const slowLogin = "it answers, but the login does not end";

/** A channel through the jump host. Its refusal to forward is a setting; a closed port behind it may open. */
export function forwarded(client: Client, host: string, port: number, seconds: number): Promise<Duplex> {
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const late = setTimeout(() => reject(new Retriable("the jump host does not get through")), seconds * 1000);
  client.on("error", (error) => reject(new Retriable(`the jump host: ${error.message}`)));
  client.on("close", () => reject(new Retriable("the jump host closed the connection")));
  try {
    client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => {
      if (error === undefined) resolve(channel as unknown as Duplex);
      else if ((error as { reason?: unknown }).reason === 1 /* RFC 4254 5.1: administratively prohibited */) {
        reject(
          new Unreachable({
            what: `the jump host does not forward to ${host}:${port}`,
            why: error.message,
            remedy: "Set `AllowTcpForwarding yes` in the jump host's sshd_config.",
          }),
        );
      } else reject(new Retriable(`through the jump host: ${error.message}`));
    });
  } catch (error) {
    reject(new Retriable(reason(error)));
  }
  return promise.finally(() => clearTimeout(late));
}

function refused(settings: ConnectionSettings, tried: readonly string[], accepts: readonly string[]): LoginRefused {
  const { user, name, password } = withDefaults(settings);
  const key = `Put our public key into ~${user}/.ssh/authorized_keys on the server, or set another user or key.`;
  return new LoginRefused(
    {
      what: `${name} does not let ${user} in`,
      why: [
        `tried ${tried.join("; ")}`,
        ...(accepts.length === 0 ? [] : [`the server accepts ${accepts.join(", ")}`]),
      ].join("\n"),
      remedy: password?.logsIn
        ? `Is it the password of ${user}, and may ${user} log in with one? Each wrong one counts where sources get banned.`
        : key,
    },
    { by: endpoint(settings) },
  );
}

/** The server wants a new password before anything else (RFC 4252, section 8). */
function expired(settings: ConnectionSettings, said: string): LoginRefused {
  const { user, name } = withDefaults(settings);
  return new LoginRefused(
    {
      what: `${name} does not let ${user} in`,
      why: `the password must be changed first: ${said.trim() || "it has expired"}`,
      remedy: `Log in once by hand (\`ssh ${user}@${settings.host}\`), change it, and give the new one.`,
    },
    { by: endpoint(settings) },
  );
}

/** Disconnected during the login (RFC 4253, section 11.1, code 2): sshd's answer to more keys than MaxAuthTries. */
function refusedBy(settings: ConnectionSettings, error: Error, tried: readonly string[]): LoginRefused {
  const { user, name } = withDefaults(settings);
  return new LoginRefused(
    {
      what: `${name} does not let ${user} in`,
      why: `${error.message}\ntried ${tried.join("; ")}`,
      remedy: "An agent with many keys uses up sshd's MaxAuthTries: set privateKeyFile to the right one.",
    },
    { by: endpoint(settings), cause: error },
  );
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no route to the network",
  ETIMEDOUT: "no answer",
  ECONNRESET: "the connection was reset",
  ENOTFOUND: "the name is not known",
};

/** An error of ssh2 or of the system in words that a reader knows. */
export function told(error: Error & { code?: unknown; level?: string }, host: string): string {
  if (error.code === "ENOTFOUND") return `${words.ENOTFOUND}: ${host}`;
  if (error.level === "client-timeout") return "no answer";
  if (error.message === "Connection lost before handshake") return "the connection was closed before ssh began";
  return (typeof error.code === "string" ? words[error.code] : undefined) ?? error.message;
}

/** Waits, unless told to stop. */
export function sleep(seconds: number, host: string, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, seconds * 1000);
  const cancel = () => reject(new Cancelled(host));
  if (signal?.aborted) cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
  });
}
