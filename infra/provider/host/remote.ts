import { createHash, randomBytes } from "node:crypto";
import type { ClientChannel } from "ssh2";
import { reason } from "../failure.ts";
import type { Content } from "../step.ts";
import type { Dialled } from "./dial.ts";
import { Cancelled, ConnectionLost, DeadlineExceeded, SudoRefused } from "./errors.ts";
import { answer, ask, Decoder, encode, type Frame } from "./frames.ts";
import type { InspectOptions, PathSeen } from "./host.ts";
import { chunk, parts } from "./local-content.ts";
import { pathSeen } from "./path-seen.ts";
import { greeting, lostAtStart, runsCommands, startProgram, unusable } from "./program.ts";
import { type Exec, type Ran, Refusal, type Target } from "./requests.ts";
import { type ConnectionSettings, withDefaults } from "./settings.ts";
import { saidBySudo, sudoTalk } from "./sudo.ts";

/** Seconds that a request may be late beyond its own deadline before we stop believing in an answer. */
const grace = 10;

/** Seconds without a word from the program, which answers pings at once, until the connection counts as lost. */
const silence = 60;

interface Pending {
  frame(frame: Frame): void;
  reject(error: Error): void;
}

/** Counts of what went over the wire. */
export interface Traffic {
  /** Groups of requests that left in one write: what costs a round trip. */
  bursts: number;
  bytesSent: number;
  bytesReceived: number;
}

/** The program that runs on the host for us, over one channel of one connection. */
export class Remote {
  readonly #dialled: Dialled;
  readonly #channel: ClientChannel;
  readonly #name: string;
  readonly #traffic: Traffic;
  readonly #pending = new Map<number, Pending>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #idle: (() => void)[] = [];
  readonly #ping: NodeJS.Timeout;
  #decoder: Decoder | undefined;
  #outbox: Buffer[] = [];
  #next = 1;
  #over: Error | undefined;
  #heard = performance.now();

  private constructor(dialled: Dialled, channel: ClientChannel, name: string, traffic: Traffic) {
    this.#dialled = dialled;
    this.#channel = channel;
    this.#name = name;
    this.#traffic = traffic;
    dialled.client.on("error", (error: Error & { level?: string }) =>
      this.#lost(error.level === "client-timeout" ? "nothing came back for 20 s" : error.message),
    );
    dialled.client.on("close", () => this.#lost("the connection was closed"));
    channel.on("error", (error: Error) => this.#lost(error.message));
    this.#ping = setInterval(() => this.#pinged(), 15_000);
    this.#ping.unref();
  }

  /** Starts the program over a fresh connection; ends the connection when that fails. */
  static async start(
    dialled: Dialled,
    settings: ConnectionSettings,
    traffic: Traffic,
    signal?: AbortSignal,
  ): Promise<Remote> {
    const { name, user, password } = withDefaults(settings);
    const sudo = user !== "root" && settings.privileged !== false;
    const become = { sudo, password: password?.text };
    const nonce = randomBytes(16).toString("hex");
    const hello = Promise.withResolvers<void>();
    // It may be told off while the program is still being started, when nobody waits for it yet.
    hello.promise.catch(() => undefined);
    const cancel = () => hello.reject(new Cancelled(name));
    const late = setTimeout(() => hello.reject(unusable(name, "it did not start within 30 s")), 30_000);
    try {
      if (signal?.aborted) throw new Cancelled(name);
      signal?.addEventListener("abort", cancel, { once: true });
      const starting = startProgram(dialled, { name, nonce, ...become }, (channel) => {
        const remote = new Remote(dialled, channel, name, traffic);
        remote.#listen(greeting(nonce), hello, (code, said) =>
          sudo && code === 1
            ? new SudoRefused(name, user, saidBySudo(said, sudoTalk(nonce), password?.text ?? ""), password)
            : unusable(name, said || `exit ${code}`),
        );
        return remote;
      });
      dialled.client.on("close", () => hello.reject(lostAtStart(name)));
      await Promise.race([starting, hello.promise]);
      const { result: remote, source } = await starting;
      remote.#write(source);
      await hello.promise;
      return remote;
    } catch (error) {
      const sudoAlone = !(error instanceof SudoRefused) || (await runsCommands(dialled, name));
      dialled.end();
      dialled.client.destroy();
      throw sudoAlone ? error : unusable(name, error.explanation.why);
    } finally {
      clearTimeout(late);
      signal?.removeEventListener("abort", cancel);
    }
  }

  /** Why it is of no use any more; `undefined` while it is. */
  get ended(): Error | undefined {
    return this.#over;
  }

  get alive(): boolean {
    return this.#over === undefined;
  }

  /** Runs a command. Rejects with `Refusal`, `DeadlineExceeded` when even the kill is not reported, or `ConnectionLost`. */
  async exec(exec: Exec): Promise<Ran> {
    const env = Object.entries(exec.env ?? {}).map(([key, value]) => `${key}=${value}`);
    for (const word of [...exec.argv, ...env]) {
      if (word.includes("\0")) throw new Refusal(`a word holds a NUL byte: ${JSON.stringify(word.slice(0, 40))}`);
    }
    const frames = await this.#request(
      ask.exec,
      [exec.mode, `${exec.deadline}`, `${exec.until ?? ""}`, exec.stdin ?? "", env.join("\0"), ...exec.argv],
      exec.deadline,
    );
    const [code, , late, stdout, stderr, leftOut, leftErr] = frames.at(-1)?.fields ?? [];
    const whole = (bytes: Uint8Array | undefined, left: Uint8Array | undefined) =>
      text(bytes) + (Number(text(left)) > 0 ? `\n[${text(left)} more bytes were left out]` : "");
    return {
      code: Number(text(code)),
      late: text(late) === "1",
      stdout: whole(stdout, leftOut),
      stderr: whole(stderr, leftErr),
    };
  }

  /** What stands at a path, in no particular order. */
  async inspect(path: string, options: InspectOptions): Promise<PathSeen[]> {
    if (path.includes("\0")) throw new Refusal("a path holds a NUL byte");
    const flags = [options.hash ? "1" : "", `${options.content ?? 0}`, options.recursive ? "1" : ""];
    const frames = await this.#request(ask.inspect, [path, ...flags], 300);
    return frames.slice(0, -1).map((frame) => pathSeen(frame.fields, options));
  }

  /** Writes a file atomically. A local file is streamed, at the speed at which the host takes it. */
  async upload(target: Target, content: Content, deadline: number): Promise<void> {
    const id = this.#next++;
    const { path, owner, group, mode, until } = target;
    for (const word of [path, ...(target.validate ?? [])]) {
      if (word.includes("\0")) throw new Refusal("a path or word holds a NUL byte");
    }
    let settled = false;
    const done = this.#awaited(id, deadline).finally(() => {
      settled = true;
    });
    done.catch(() => {});
    this.#send(ask.open, id, [path, owner, group, mode, `${until ?? ""}`]);
    const hash = createHash("sha256");
    let size = 0;
    try {
      for await (const part of parts(content)) {
        if (settled) break;
        hash.update(part);
        size += part.length;
        this.#send(ask.data, id, [part]);
        // Waiting for each large part is what keeps memory small: ssh2 calls back when the host's window has room.
        if (part.length === chunk) await Promise.race([this.#flush(), done]);
      }
      const sha256 = hash.digest("hex");
      const local = typeof content === "object" && "sha256" in content ? content : undefined;
      if (!settled && local !== undefined && local.sha256 !== sha256) {
        throw new Refusal(`${local.path} was changed while the update ran`);
      }
      if (!settled) {
        const check = local === undefined ? "" : sha256;
        this.#send(ask.finish, id, [`${size}`, check, `${deadline}`, ...(target.validate ?? [])]);
      }
    } catch (error) {
      // The temporary file is gone before anybody hears of the failure.
      if (this.alive) this.#send(ask.abort, id, []);
      await done.catch(() => {});
      throw error instanceof Refusal || error instanceof ConnectionLost || error instanceof Cancelled
        ? error
        : new Refusal(reason(error));
    }
    await done;
  }

  /** Lets outstanding requests finish, for some seconds, then closes; looks that remain are repeated elsewhere. */
  async retire(): Promise<void> {
    let late: NodeJS.Timeout | undefined;
    if (this.#pending.size > 0 && this.alive) {
      await new Promise<void>((resolve) => {
        this.#idle.push(resolve);
        late = setTimeout(resolve, 5_000);
      });
    }
    clearTimeout(late);
    await this.close(
      new ConnectionLost({ what: `replaced the connection to ${this.#name}`, why: "it did not answer" }),
    );
  }

  /** Rejects what is outstanding, lets the program clean up, and ends the connection. */
  async close(error: Error): Promise<void> {
    this.#finish(error);
    this.#channel.end();
    let late: NodeJS.Timeout | undefined;
    await Promise.race([
      this.#ended.promise,
      new Promise((resolve) => {
        late = setTimeout(resolve, 500);
      }),
    ]);
    clearTimeout(late);
    this.#dialled.end();
    // A connection whose packets are dropped would keep the process alive while it tries to say goodbye.
    setTimeout(() => this.#dialled.client.destroy(), 200).unref();
  }

  #listen(marker: Buffer, hello: PromiseWithResolvers<void>, failed: (code: number, said: string) => Error): void {
    let before = Buffer.alloc(0);
    let stderr = "";
    let code: number | undefined;
    this.#channel.stderr.on("data", (bytes: Buffer) => {
      stderr = (stderr + bytes.toString()).slice(-2000);
    });
    this.#channel.on("data", (bytes: Buffer) => {
      this.#traffic.bytesReceived += bytes.length;
      this.#heard = performance.now();
      if (this.#decoder !== undefined) return this.#receive(bytes);
      // What a login shell prints comes before the marker and is no part of ours.
      before = Buffer.concat([before, bytes]);
      const at = before.indexOf(marker);
      if (at < 0) {
        if (before.length > 1_000_000) hello.reject(unusable(this.#name, "its login shell prints without end"));
        return;
      }
      this.#decoder = new Decoder();
      hello.resolve();
      this.#receive(before.subarray(at + marker.length));
    });
    this.#channel.on("exit", (exit: number | null) => {
      code = exit ?? undefined;
    });
    this.#channel.on("close", () => {
      const noise = before.toString("utf8").slice(0, 500).trim();
      // Without an exit status it was not the program that ended but the connection (RFC 4254, section 6.10).
      hello.reject(code === undefined ? lostAtStart(this.#name) : failed(code, stderr.trim() || noise));
      const why = stderr.trim() === "" ? "the program on the host ended" : stderr.trim();
      // Before the greeting, whoever starts us asks what the connection is good for, and ends it.
      this.#lost(why, this.#decoder !== undefined);
      this.#ended.resolve();
    });
  }

  #receive(bytes: Buffer): void {
    try {
      for (const frame of this.#decoder?.push(bytes) ?? []) this.#pending.get(frame.id)?.frame(frame);
    } catch (error) {
      this.#lost(reason(error));
    }
  }

  #request(kind: number, fields: readonly (string | Uint8Array)[], deadline: number): Promise<Frame[]> {
    const id = this.#next++;
    const done = this.#awaited(id, deadline);
    try {
      this.#send(kind, id, fields);
    } catch (error) {
      this.#pending.delete(id);
      return Promise.reject(new Refusal(reason(error)));
    }
    return done;
  }

  #awaited(id: number, deadline: number): Promise<Frame[]> {
    const { promise, resolve, reject } = Promise.withResolvers<Frame[]>();
    const frames: Frame[] = [];
    let timer: NodeJS.Timeout | undefined;
    if (this.#over !== undefined) reject(this.#over);
    else {
      this.#pending.set(id, {
        reject,
        frame: (frame) => {
          if (frame.kind === answer.started) {
            timer = setTimeout(() => reject(this.#silent(deadline)), (deadline + grace) * 1000);
            return;
          }
          frames.push(frame);
          if (frame.kind === answer.done) resolve(frames);
          if (frame.kind === answer.failed) {
            const [why = "", code, stderr = "", errno] = frame.fields.map(text);
            const known = { ...(code ? { code: Number(code) } : {}), ...(errno ? { errno } : {}) };
            reject(new Refusal(why.trim(), { ...known, stderr }));
          }
        },
      });
    }
    return promise.finally(() => {
      clearTimeout(timer);
      this.#pending.delete(id);
      if (this.#pending.size === 0) for (const wake of this.#idle.splice(0)) wake();
    });
  }

  #silent(deadline: number): DeadlineExceeded {
    return new DeadlineExceeded({
      what: `${this.#name} did not say how a command ended`,
      why: `it should have been over, or killed, after ${deadline} s`,
    });
  }

  #send(kind: number, id: number, fields: readonly (string | Uint8Array)[]): void {
    const frame = encode(kind, id, fields);
    if (this.#outbox.length === 0) setImmediate(() => void this.#flush());
    this.#outbox.push(frame);
  }

  /** Everything that was asked for in this turn of the event loop leaves in one write. */
  #flush(): Promise<void> {
    const frames = this.#outbox;
    this.#outbox = [];
    if (frames.length === 0 || this.#over !== undefined) return Promise.resolve();
    this.#traffic.bursts += 1;
    return this.#write(frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames));
  }

  #write(bytes: Buffer): Promise<void> {
    this.#traffic.bytesSent += bytes.length;
    return new Promise((resolve) => this.#channel.write(bytes, () => resolve()));
  }

  #pinged(): void {
    if (performance.now() - this.#heard > silence * 1000) this.#lost(`the host did not answer for ${silence} s`);
    else this.#send(ask.ping, 0, []);
  }

  #lost(why: string, hangUp = true): void {
    if (this.#over !== undefined) return;
    this.#finish(new ConnectionLost({ what: `lost the connection to ${this.#name}`, why }));
    if (!hangUp) return;
    this.#dialled.end();
    this.#dialled.client.destroy();
  }

  #finish(error: Error): void {
    if (this.#over !== undefined) return;
    this.#over = error;
    clearInterval(this.#ping);
    for (const pending of [...this.#pending.values()]) pending.reject(error);
    this.#pending.clear();
  }
}

function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "" : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
