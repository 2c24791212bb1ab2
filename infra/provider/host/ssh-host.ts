import type { Guard, RunStep, Step, WriteStep } from "../step.ts";
import { Turns } from "../turns.ts";
import { carryOut, refuseActs } from "./act.ts";
import { dial, sleep } from "./dial.ts";
import { Entrance } from "./entrance.ts";
import {
  Cancelled,
  ConnectionLost,
  HostKeyMismatch,
  HostUnusable,
  LoginRefused,
  NotTrusted,
  SudoRefused,
} from "./errors.ts";
import { type GuardedHost, performGuarded } from "./guard.ts";
import type { Host, InspectOptions, LookOptions, Output, PathSeen, Say } from "./host.ts";
import { toldWhile } from "./long-step.ts";
import { Remote } from "./remote.ts";
import { type Exec, type Ran, Refusal } from "./requests.ts";
import { type ConnectionSettings, isThisMachine, withDefaults } from "./settings.ts";
import { judged, refused, stepFailed } from "./verdict.ts";

/** How a connection is made and watched. */
export interface ConnectOptions {
  readonly say: Say;
  /** Stops everything within a second. */
  readonly signal?: AbortSignal;
}

/** What a host's connections have cost so far. */
export interface Stats {
  /** Connections that were opened and logged in. */
  readonly connections: number;
  /** Groups of requests that left in one write. */
  readonly bursts: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** Logs in and returns the host. Rejects with `NotTrusted`, `HostKeyMismatch`, `LoginRefused`, `SudoRefused`, `Unreachable`. */
export async function connect(settings: ConnectionSettings, options: ConnectOptions): Promise<SshHost> {
  const host = new SshHost(settings, options);
  await host.open();
  return host;
}

/** Failures that the next attempt would only repeat, and be banned for. */
const lasting = [NotTrusted, HostKeyMismatch, LoginRefused, SudoRefused, HostUnusable];

/** How often a look is tried again after a lost connection. */
const repeats = 3;

/** A server over SSH: one connection, one program on it, looks side by side and steps one by one. */
export class SshHost implements Host {
  readonly name: string;
  readonly address: string | undefined;
  readonly user: string;
  readonly #entrance: Entrance<Remote>;
  readonly #say: Say;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #traffic = { bursts: 0, bytesSent: 0, bytesReceived: 0 };
  /** Every connection that may have to be ended: two while a guarded change is confirmed. */
  readonly #open = new Set<Remote>();
  #connections = 0;
  #remote: Promise<Remote> | undefined;
  #current: Remote | undefined;
  readonly #turns = new Turns();
  #failed: Error | undefined;
  #closing: Promise<void> | undefined;

  constructor(settings: ConnectionSettings, options: ConnectOptions) {
    const { name, user, host, jump } = withDefaults(settings);
    this.name = name;
    this.address = jump === undefined && !isThisMachine(host) ? host : undefined;
    this.user = user;
    this.#say = options.say;
    this.#entrance = new Entrance(settings, this.#say, (way, attempt) => this.#dialled(way, attempt));
    this.#signal =
      options.signal === undefined ? this.#stop.signal : AbortSignal.any([options.signal, this.#stop.signal]);
    this.#signal.addEventListener("abort", () => void this.#shut(), { once: true });
    if (this.#signal.aborted) void this.#shut();
  }

  get stats(): Stats {
    return { connections: this.#connections, ...this.#traffic };
  }

  /** Connects now instead of at the first request. */
  async open(): Promise<void> {
    await this.#connected();
  }

  async look(argv: readonly string[], options: LookOptions = {}): Promise<Output> {
    const { deadline = 30, exits = [0], stdin } = options;
    const what = `could not look at ${this.name} with ${argv[0]}`;
    const ran = await this.#again((remote) => remote.exec({ mode: "look", argv, stdin, deadline })).catch((error) => {
      throw refused(error, what);
    });
    return judged(ran, { what, program: argv[0] ?? "", exits, deadline, secrets: [stdin ?? ""] });
  }

  async inspect(path: string, options: InspectOptions = {}): Promise<readonly PathSeen[]> {
    const seen = await this.#again((remote) => remote.inspect(path, options)).catch((error) => {
      throw refused(error, `could not look at ${path} on ${this.name}`);
    });
    // By code unit, not by locale: the same everywhere.
    return seen.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  }

  async perform(steps: readonly Step[], guard?: Guard): Promise<void> {
    await this.#turns.take(() => this.#perform(steps, guard));
  }

  /**
   * Runs a command whose output is wanted, side by side with whatever else goes on, and never a second time. No exit code
   * is an error: the caller judges.
   */
  async run(step: RunStep): Promise<Output> {
    const remote = await this.#again(async (remote) => remote);
    const what = `could not ${step.title} on ${this.name}`;
    const ran = await this.#exec(remote, step).catch((error) => {
      if (!(error instanceof ConnectionLost)) throw refused(error, what);
      const why = `the connection was lost: ${error.explanation.why}; the command may or may not have run to its end`;
      throw new ConnectionLost({ what, why }, { cause: error });
    });
    const { deadline = 60 } = step;
    return judged(ran, { what, program: step.argv[0] ?? "", exits: [ran.code], deadline, secrets: [] });
  }

  /** Ends the connection; everything outstanding rejects with `Cancelled`. What must not be cut short ends on the host. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#closing;
  }

  async #perform(steps: readonly Step[], guard: Guard | undefined): Promise<void> {
    if (guard !== undefined) refuseActs(this.name, steps, guard);
    const harmless = guard?.onlyOurs && !this.#entrance.concerns(guard.account);
    if (guard === undefined || harmless) await this.#steps(steps);
    else await performGuarded(this.#guarded(guard), steps, guard);
  }

  #guarded(guard: Guard): GuardedHost<Remote> {
    const entrance = this.#entrance;
    const ours = entrance.concerns(guard.account);
    const adopt = (remote: Remote) => {
      entrance.adopt(remote);
      const old = this.#current;
      this.#current = remote;
      this.#remote = Promise.resolve(remote);
      if (old !== remote) void old?.retire().then(() => this.#open.delete(old));
    };
    return {
      name: this.name,
      say: this.#say,
      line: () => this.#again(async (remote) => remote),
      oldLine: () => (this.#current?.alive ? this.#current : undefined),
      newLine: (seconds) => entrance.again(seconds),
      confirmingLine: (seconds) => (ours ? entrance.prove(seconds) : entrance.again(seconds)),
      unproven: () => (ours && !entrance.proven ? entrance.user : undefined),
      adopt,
      discard: (remote) => {
        if (this.#current === remote) this.#forget();
        this.#open.delete(remote);
        void remote.close(
          new ConnectionLost({ what: `gave up the connection to ${this.name}`, why: "it did not answer" }),
        );
      },
      steps: (steps, until) => this.#steps(steps, until),
      sleep: (seconds) => sleep(seconds, this.name, this.#signal),
    };
  }

  async #steps(steps: readonly Step[], until?: number): Promise<void> {
    for (const [index, step] of steps.entries()) {
      if (step.do === "act") {
        await carryOut(step, { host: this.#inTurn(), say: this.#say, signal: this.#signal });
        continue;
      }
      const remote = await this.#again(async (remote) => remote);
      try {
        await (step.do === "run" ? this.#run(remote, step, until) : this.#write(remote, step, until));
      } catch (error) {
        throw error instanceof ConnectionLost ? this.#unknown(error, step, steps.slice(index + 1)) : error;
      }
    }
  }

  /** The host as an act sees it. The act has the turn already: what it has performed must not wait for one. */
  #inTurn(): Host {
    const turns = new Turns();
    return {
      name: this.name,
      address: this.address,
      user: this.user,
      look: (...asked) => this.look(...asked),
      inspect: (...asked) => this.inspect(...asked),
      perform: (steps, guard) => turns.take(() => this.#perform(steps, guard)),
    };
  }

  async #run(remote: Remote, step: RunStep, until?: number): Promise<void> {
    const { argv, stdin, env, deadline = 60, exits = [0], remedies = {} } = step;
    const what = `could not ${step.title} on ${this.name}`;
    const going = (seconds: number) => this.#tellOf(remote, step, seconds);
    const ran = await toldWhile(this.#exec(remote, step, until), going).catch((error) => {
      throw refused(error, what);
    });
    const secrets = [stdin ?? "", ...Object.values(env ?? {})];
    judged(ran, {
      what,
      program: argv[0] ?? "",
      exits,
      deadline,
      secrets,
      hidden: step.secret ?? false,
      guarded: until !== undefined,
      remedies,
    });
  }

  async #tellOf(remote: Remote, { title, waitsFor }: RunStep, seconds: number): Promise<void> {
    const asked = waitsFor && (await remote.exec({ mode: "look", argv: waitsFor, deadline: 10 }));
    const reason = asked?.stdout.trim() ? `: ${asked.stdout.trim()}` : "";
    this.#say("info", `${this.name}: ${seconds} s so far to ${title}${reason}`);
  }

  #exec(remote: Remote, step: RunStep, until?: number): Promise<Ran> {
    const { argv, stdin, env, deadline = 60 } = step;
    const exec: Exec = { mode: step.survives ? "survive" : "step", argv, stdin, env, deadline, until };
    return remote.exec(exec);
  }

  async #write(remote: Remote, step: WriteStep, until?: number): Promise<void> {
    const { path, owner, group, mode, validate } = step;
    // A large file may take long to reach the disk; the connection's own watch notices when nothing moves.
    await remote.upload({ path, owner, group, mode, validate, until }, step.content, 300).catch((error) => {
      const what = `could not ${step.title} on ${this.name}`;
      if (error instanceof Refusal && error.code !== undefined) {
        throw stepFailed(what, validate?.[0] ?? "", error, step.secret ?? false);
      }
      throw refused(error, what, path);
    });
  }

  #unknown(lost: ConnectionLost, step: Step, rest: readonly Step[]): ConnectionLost {
    const after = rest.length === 0 ? "" : `\nnot begun: ${rest.map((step) => step.title).join("; ")}`;
    return new ConnectionLost(
      {
        what: `lost the connection to ${this.name} while it was to ${step.title}`,
        why: `${lost.explanation.why}; this step may or may not have run${after}`,
        remedy: "Run the update again: it looks first, and does only what is left.",
      },
      { cause: lost },
    );
  }

  /** For looks only: they may be repeated. */
  async #again<Result>(work: (remote: Remote) => Promise<Result>): Promise<Result> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await work(await this.#connected());
      } catch (error) {
        if (!(error instanceof ConnectionLost) || attempt === repeats) throw error;
        await sleep(0.25 * 2 ** attempt * (0.75 + Math.random() / 2), this.name, this.#signal);
      }
    }
  }

  /** The connection, opened by whoever needs it first; the others wait for the same one. */
  #connected(): Promise<Remote> {
    if (this.#signal.aborted) return Promise.reject(new Cancelled(this.name));
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    const ended = this.#current?.ended;
    if (ended !== undefined) {
      if (ended instanceof ConnectionLost)
        this.#say("info", `${ended.message.replace("\n  ", ": ")}; connecting again`);
      this.#forget();
    }
    this.#remote ??= this.#entrance.enter().then(
      async (remote) => {
        this.#current = remote;
        // Told to stop while the login went on: whoever stopped us found no connection to end.
        if (this.#signal.aborted) await remote.close(new Cancelled(this.name));
        return remote;
      },
      (error) => {
        this.#remote = undefined;
        if (lasting.some((kind) => error instanceof kind)) this.#failed = error;
        throw error;
      },
    );
    return this.#remote;
  }

  async #dialled(settings: ConnectionSettings, attempt?: number): Promise<Remote> {
    const quick = attempt === undefined ? {} : { attempt, answer: 5 };
    const options = { say: this.#say, signal: this.#signal, ...quick };
    const dialled = await dial(settings, options);
    const remote = await Remote.start(dialled, settings, this.#traffic, this.#signal);
    this.#connections += 1;
    this.#open.add(remote);
    return remote;
  }

  #forget(): void {
    if (this.#current !== undefined) this.#open.delete(this.#current);
    this.#remote = undefined;
    this.#current = undefined;
  }

  #shut(): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.all([...this.#open].map((remote) => remote.close(new Cancelled(this.name))));
    })();
    return this.#closing;
  }
}
