import { connect, type SshHost } from "../../../infra/provider/host/ssh-host.ts";
import type { Kind } from "../../../infra/provider/kind.ts";
import { apply, destroy } from "../../../infra/provider/lifecycle.ts";
import { Problems } from "../../../infra/provider/problems.ts";
import { run } from "../../../infra/provider/step.ts";
import type { LabStatus, ServerName } from "../../../lab/status.ts";

/** Logs in on a server of the lab, as root unless told otherwise. Close it: `await host.close()`. */
export async function labHost(lab: LabStatus, server: ServerName, user = "root"): Promise<SshHost> {
  const machine = lab.machines.find(({ name }) => name === server);
  if (machine === undefined) throw new Error(`the lab ${lab.name} has no ${server}`);
  const { addresses, hostKey, login } = machine;
  const settings = { host: addresses.v4, user, hostKey, privateKeyFile: login.privateKeyFile, name: machine.fqdn };
  return connect(settings, { say: () => undefined });
}

/** One resource on a real host as the engine would treat it: remembers between updates what the engine keeps in state. */
export class Managed<Want extends object, Seen extends object, Memory extends object> {
  readonly #kind: Kind<Want, Seen, Memory>;
  readonly #host: SshHost;
  #state: { readonly want: Want; readonly seen: Seen; readonly memory: Memory | undefined } | undefined;

  constructor(kind: Kind<Want, Seen, Memory>, host: SshHost) {
    this.#kind = kind;
    this.#host = host;
  }

  get seen(): Seen {
    if (this.#state === undefined) throw new Error("nothing was applied yet");
    return this.#state.seen;
  }

  /** Creates or updates; the titles of the steps that ran. */
  async apply(given: Partial<Want>): Promise<readonly string[]> {
    const want = this.#checked(given);
    const { want: prior, memory } = this.#state ?? {};
    const before = { prior, memory, ours: this.#state !== undefined };
    const { changed, ...state } = await apply(this.#kind, this.#host, want, before);
    this.#state = { want, ...state };
    return changed;
  }

  /** What a refresh finds; `undefined` when it is gone. */
  async look(): Promise<Seen | undefined> {
    return this.#kind.observe(this.#host, this.#state?.want ?? {});
  }

  /** Removes it; the titles of the steps that ran. May be said twice. */
  async destroy(): Promise<readonly string[]> {
    if (this.#state === undefined) throw new Error("nothing was applied yet");
    const { want, memory } = this.#state;
    return destroy(this.#kind, this.#host, want, memory === undefined ? {} : { memory });
  }

  #checked(given: Partial<Want>): Want {
    const problems = new Problems();
    const want = this.#kind.check(given, problems);
    if (problems.found.length > 0) throw new Error(JSON.stringify(problems.found));
    return want;
  }
}

/** Somebody changes the host by hand. The script gets `words` as $1, $2, … */
export async function byHand(host: SshHost, script: string, ...words: string[]): Promise<void> {
  await host.perform([run("change it by hand", ["sh", "-euc", script, "sh", ...words])]);
}
