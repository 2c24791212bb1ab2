import { type Explanation, Failure } from "../failure.ts";
import { LoginRefused, SudoRefused } from "./errors.ts";
import type { Say } from "./host.ts";
import { type ConnectionSettings, endpoint, withDefaults } from "./settings.ts";

/** One way to log in to a server. */
interface Way {
  readonly kind: "lasting" | "previous" | "initial";
  readonly settings: ConnectionSettings;
}

/**
 * The logins of one server: the one that is to last, and those that are tried only where the server refuses it: the key
 * that it had until now, and the customer's way for the first contact (ACC-2). Each is tried once, for repeated failures
 * get a source banned; whichever worked is used until the lasting one has proven itself.
 */
export class Entrance<Line extends object> {
  readonly #ways: readonly [lasting: Way, ...others: Way[]];
  readonly #open: (settings: ConnectionSettings, attempt?: number) => Promise<Line>;
  readonly #say: Say;
  readonly #opened = new WeakMap<Line, Way>();
  #inUse: Way | undefined;

  /** @param open Dials, logs in and becomes root; `attempt` are the seconds for a single attempt. */
  constructor(
    settings: ConnectionSettings,
    say: Say,
    open: (settings: ConnectionSettings, attempt?: number) => Promise<Line>,
  ) {
    this.#ways = waysOf(settings);
    this.#say = say;
    this.#open = open;
  }

  /** The account whose login is to last. */
  get user(): string {
    return withDefaults(this.#ways[0].settings).user;
  }

  /** Whether the lasting login is in use: the server has let it in. */
  get proven(): boolean {
    return this.#inUse?.kind === "lasting";
  }

  /** Whether a change of an account's way in, `*` for all accounts, can shut off the login that is to last. */
  concerns(account: string | undefined): boolean {
    return account === "*" || account === this.user;
  }

  /** Logs in as before, or by the first way that the server accepts. */
  async enter(): Promise<Line> {
    if (this.#inUse !== undefined) return this.#by(this.#inUse);
    const refusals: Failure[] = [];
    for (const way of this.#ways) {
      try {
        const line = await this.#by(way);
        this.#use(way, refusals[0]);
        return line;
      } catch (error) {
        if (!(error instanceof LoginRefused || error instanceof SudoRefused)) throw error;
        refusals.push(error);
        if (!refusedThere(error, way)) break;
      }
    }
    throw this.#nobody(refusals);
  }

  /** One more connection, by the way in use. @param seconds For all of it. */
  again(seconds: number): Promise<Line> {
    return this.#by(this.#inUse ?? this.#ways[0], seconds);
  }

  /** A connection by the login that is to last, and by no other. @param seconds For all of it. */
  prove(seconds: number): Promise<Line> {
    return this.#by(this.#ways[0], seconds);
  }

  /** From now on the way of this connection is the one in use. */
  adopt(line: Line): void {
    const way = this.#opened.get(line);
    if (way === undefined || way === this.#inUse) return;
    this.#inUse = way;
    if (way.kind === "lasting")
      this.#say("info", `${withDefaults(way.settings).name}: ${this.user} logs in from now on`);
  }

  async #by(way: Way, seconds?: number): Promise<Line> {
    const { settings } = way;
    const line = await this.#open(seconds === undefined ? settings : withinSeconds(settings, seconds), seconds);
    this.#opened.set(line, way);
    return line;
  }

  #use(way: Way, refusal: Failure | undefined): void {
    this.#inUse = way;
    const { name, user } = withDefaults(way.settings);
    const why = refusal instanceof SudoRefused ? "may not use sudo yet" : "is not there yet";
    if (way.kind === "initial")
      this.#say("info", `${name}: first contact: logged in as ${user}, for ${this.user} ${why}`);
    if (way.kind === "previous")
      this.#say("info", `${name}: logged in as ${user} with the previous key, for the new one ${why}`);
  }

  /** What to tell when no way was left; the last one's remedy, for that is the one that was to help now. */
  #nobody(refusals: readonly Failure[]): Failure {
    const last = refusals.at(-1);
    if (last === undefined || refusals.length === 1)
      return last ?? new Failure({ what: "no login", why: "none is set" });
    const { name } = withDefaults(this.#ways[0].settings);
    const why = refusals.map(({ explanation: { what, why } }) => `${what}: ${why.replaceAll("\n", "; ")}`).join("\n");
    const { remedy } = last.explanation;
    const explanation: Explanation = {
      what: `no login opens ${name}`,
      why,
      ...(remedy === undefined ? {} : { remedy }),
    };
    return new LoginRefused(explanation, { cause: last });
  }
}

/** Whether it was this server that refused. A missing key or a jump host's refusal says nothing of the account on it. */
function refusedThere(error: LoginRefused | SudoRefused, { settings }: Way): boolean {
  return error instanceof SudoRefused || error.by === endpoint(settings);
}

function waysOf({ previous, initial, ...lasting }: ConnectionSettings): [Way, ...Way[]] {
  const { agent: _, privateKeyFile: __, privateKey: ___, passphrase: ____, ...server } = lasting;
  return [
    { kind: "lasting", settings: lasting },
    ...(previous === undefined ? [] : [{ kind: "previous" as const, settings: { ...server, ...previous } }]),
    ...(initial === undefined ? [] : [{ kind: "initial" as const, settings: { ...server, ...initial } }]),
  ];
}

/** The same way to the host, all of it in a given time. */
function withinSeconds(settings: ConnectionSettings, seconds: number): ConnectionSettings {
  const { jump } = settings;
  return { ...settings, dialTimeout: seconds, ...(jump === undefined ? {} : { jump: withinSeconds(jump, seconds) }) };
}
