import { exchangeFromHost, resolversOf } from "../../infra/provider/dns/exchange-from-host.ts";
import type { LookOptions } from "../../infra/provider/dns/look.ts";
import { SudoRefused } from "../../infra/provider/host/errors.ts";
import { connect, type SshHost } from "../../infra/provider/host/ssh-host.ts";
import { knownAccount } from "../../infra/provider/resources/acme-account.ts";
import { stackSettings } from "../documents/stack-settings.ts";
import type { Surroundings } from "../main.ts";
import { connectionOf } from "./connection.ts";
import type { StackFile } from "./stack-file.ts";

/** What a server's own view is asked through. */
export interface Entered {
  /** Address of the account that it has at the authority, where there is one yet; what the settings say where nobody could look. */
  readonly account: string | undefined;
  readonly inside?: NonNullable<LookOptions["inside"]>;
  /** Why the server itself could not be asked. */
  readonly why?: string;
  readonly close: () => Promise<void>;
}

/** The server's own view, which may come and go while somebody waits for a customer for days. */
export class InsideView implements AsyncDisposable {
  readonly #enter: (first: boolean) => Promise<Entered>;
  #entered: Entered | undefined;

  constructor(enter: (first: boolean) => Promise<Entered>) {
    this.#enter = enter;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#entered?.close();
  }

  /** Does some work that asks through it; once more without it where the server goes away meanwhile. Enters it again where it is not. */
  async through<T>(work: (entered: Entered) => Promise<T>): Promise<T> {
    const entered = await this.#come();
    if (entered.inside === undefined) return work(entered);
    try {
      return await work(entered);
    } catch (error) {
      await entered.close();
      const { account } = entered;
      this.#entered = { account, why: (error as Error).message, close: async () => undefined };
      return work(this.#entered);
    }
  }

  async #come(): Promise<Entered> {
    if (this.#entered?.inside === undefined) {
      const before = this.#entered;
      await before?.close();
      this.#entered = await this.#enter(before === undefined);
    }
    return this.#entered;
  }
}

/** Enters a stack's server; where there is none yet, or it cannot be reached, that is told and no mistake. */
export async function enter(
  { stack, text, name }: StackFile,
  saidAccount: string | undefined,
  { reporter, signal, env }: Surroundings,
  first = true,
): Promise<Entered> {
  let host: SshHost | undefined;
  const close = async () => host?.close();
  try {
    const settings = stackSettings(stack, text, name);
    const say = (_: string, message: string) => (first ? reporter.line(message) : undefined);
    const { acme } = settings.https;
    const connection = connectionOf(settings, env);
    // An account is root's to read. By a login that may not be root nothing is known of it.
    const root = acme && (await connect({ ...connection, privileged: true }, { say, signal }).catch(unlessRefused));
    host = root ?? (await connect(connection, { say, signal }));
    const account = acme && root ? await knownAccount(root, acme.directory) : saidAccount;
    const known = { close, account };
    const resolvers = await resolversOf(host);
    if (resolvers.length === 0) return { ...known, why: "its /etc/resolv.conf names no resolver" };
    return { ...known, inside: { exchange: exchangeFromHost(host), resolvers } };
  } catch (error) {
    await close();
    if (signal.aborted) throw error;
    return { close: async () => undefined, account: saidAccount, why: (error as Error).message };
  }
}

function unlessRefused(error: unknown): undefined {
  if (!(error instanceof SudoRefused)) throw error;
}
