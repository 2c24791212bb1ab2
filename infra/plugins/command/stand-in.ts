import { randomBytes } from "node:crypto";
import { differences } from "../../provider/difference.ts";
import { Failure, reason } from "../../provider/failure.ts";
import { checkKnown } from "../../provider/known.ts";
import type { Change, Checked, Creation, Diff, Known, Made, Plugin, Read, Update } from "../../provider/plugin.ts";
import { packageSchema } from "../../provider/schema.ts";
import { type Bag, emptyBag, UNKNOWN } from "../../provider/values.ts";
import { actionsVersion } from "../in-use.ts";
import type { Action } from "./action.ts";
import { Connections } from "./connections.ts";
import { copyToRemote } from "./copy-to-remote.ts";
import { localCommand } from "./local-command.ts";
import { remoteCommand } from "./remote-command.ts";

/**
 * The project's stand-in for the plugin of `@pulumi/command`, for machines that cannot download it: the resources that
 * the program uses, with the same inputs and outputs. Where it differs from the official plugin:
 *
 * - An input that it does not have is an error that names it: `password`, `assetPaths`, `archivePaths`, archives. So are
 *   `CopyFile` and `local.run`.
 * - A connection without `hostKey` is refused; the official plugin trusts any host then.
 * - Remote commands are run by sh in a small fixed environment, not by the account's login shell; `environment` needs no
 *   AcceptEnv; the command's text and environment are not in any argument; of each output 8 MiB are kept.
 * - Output goes to the log when a command has ended, not while it runs; what may hold a secret does not, and is secret in
 *   the state even where `additionalSecretOutputs` does not name it.
 */
export class CommandStandIn implements Plugin {
  readonly name = "command";
  readonly version = actionsVersion;
  readonly #stop = new AbortController();
  readonly #connections = new Connections();
  readonly #actions: ReadonlyMap<string, Action>;

  constructor() {
    const actions = [
      remoteCommand(this.#connections),
      copyToRemote(this.#connections),
      localCommand(this.#stop.signal),
    ];
    this.#actions = new Map(actions.map((action) => [action.type, action]));
  }

  schema(): string {
    return packageSchema(this.name, this.version, [...this.#actions.values()]);
  }

  missing(token: string): Failure {
    return new Failure({
      what: `the project's stand-in for the plugin of @pulumi/command has no ${token}`,
      why: `it has ${[...this.#actions.keys()].sort().join(", ")}`,
      remedy: "The official plugin has all of @pulumi/command: `pulumi plugin install resource command` installs it.",
    });
  }

  /** There is nothing to configure; the engine's own two settings are let through. */
  checkConfig(given: Bag): Checked {
    const own = ["version", "pluginDownloadURL"];
    const problems = Object.keys(given.values)
      .filter((key) => !own.includes(key))
      .map((property) => ({ property, reason: "unknown property; @pulumi/command has no configuration" }));
    return { inputs: given, problems };
  }

  async configure(): Promise<void> {}

  check(type: string, given: Bag): Checked {
    const action = this.#action(type);
    return checkKnown(given, (known, problems) => action.check(known, problems));
  }

  /** Any changed input is an update, a changed trigger a replacement. */
  diff(type: string, { oldInputs, inputs }: Change): Diff {
    this.#action(type);
    const found = differences(oldInputs.values, inputs.values);
    const triggered = found.some(({ path }) => path[0] === "triggers");
    return { differences: found, replaces: triggered ? ["triggers"] : [], createFirst: true };
  }

  async create(type: string, { name, inputs, preview, say, timeout }: Creation): Promise<Made> {
    const action = this.#action(type);
    if (preview) return { id: "", outputs: foreseen(action, inputs) };
    const occasion = { inputs, outputs: emptyBag, say, timeout };
    const outputs = await labelled(type, name, () => action.create(occasion));
    return { id: `${action.idPrefix(name)}${randomBytes(4).toString("hex")}`, outputs };
  }

  /** Nothing is looked at: what an action did is not a state. */
  async read(type: string, { id, name, inputs, outputs }: Known): Promise<Read> {
    this.#action(type);
    if (Object.keys(inputs.values).length > 0) return { id, inputs, outputs };
    throw new Failure({
      what: `${type} "${name}" cannot be imported`,
      why: "what an action did leaves nothing that could be looked at",
      remedy: "Let the program create it.",
    });
  }

  async update(type: string, update: Update): Promise<{ outputs: Bag }> {
    const action = this.#action(type);
    if (update.preview) return { outputs: foreseen(action, update.inputs) };
    return { outputs: await labelled(type, update.name, () => action.update(update)) };
  }

  async remove(type: string, known: Known): Promise<void> {
    const action = this.#action(type);
    await labelled(type, known.name, () => action.remove(known));
  }

  cancel(): void {
    this.#stop.abort();
    this.#connections.cancel();
  }

  #action(type: string): Action {
    const action = this.#actions.get(type);
    if (action === undefined) throw this.missing(type);
    return action;
  }
}

function foreseen(action: Action, { values, secrets }: Bag): Bag {
  return { values: { ...values, ...Object.fromEntries(action.results.map((name) => [name, UNKNOWN])) }, secrets };
}

async function labelled<Result>(type: string, name: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { what, ...rest } =
      error instanceof Failure ? error.explanation : { what: "an unexpected error", why: reason(error) };
    throw new Failure({ what: `${type} "${name}": ${what}`, ...rest }, { cause: error });
  }
}
