import { begunAt, findBegun } from "./begun.ts";
import { differences } from "./difference.ts";
import { Failure, reason } from "./failure.ts";
import { withDefaults } from "./fields.ts";
import type { Host, Say } from "./host/host.ts";
import type { AnyKind } from "./kind.ts";
import { allKinds, type Kinds } from "./kinds.ts";
import { checkKnown } from "./known.ts";
import { ofLastRun } from "./last-connection.ts";
import { admit, apply, destroy, idOf, Unfinished, withBegun } from "./lifecycle.ts";
import {
  type Call,
  type Change,
  type Checked,
  type Creation,
  type Diff,
  Incomplete,
  type Known,
  type Made,
  type Plugin,
  type Read,
  type Update,
} from "./plugin.ts";
import { Problems } from "./problems.ts";
import { type Bag, outputSecrets, type Path, unknownKeys, withoutAssets } from "./values.ts";

type Values = Readonly<Record<string, unknown>>;

/** The host that a provider instance works on. */
export interface Link extends Host {
  close(): Promise<void>;
}

/** Opens the connection that a provider instance is configured for. */
export interface Connector {
  check(given: Values, problems: Problems): Values;
  connect(config: Values, say: Say, signal: AbortSignal): Promise<Link>;
}

/** The plugin `onprem`: derives Pulumi's lifecycle from kinds (design.md decision 2). */
export class Onprem implements Plugin {
  readonly name = "onprem";
  readonly version: string;
  readonly #kinds: Kinds;
  readonly #connector: () => Promise<Connector>;
  readonly #stop = new AbortController();
  #link: Link | undefined;
  #inProgram = false;
  readonly #warned = new Set<string>();
  #outOfReach: { failure: unknown; told: boolean; aside: boolean } | undefined;

  /** @param connector Loads what connects: whoever asks for the plugin's name or schema needs none. */
  constructor(version: string, kinds: Kinds, connector: () => Promise<Connector>) {
    this.version = version;
    this.#kinds = kinds;
    this.#connector = connector;
  }

  async schema(): Promise<string> {
    const { packageSchema } = await import("./schema.ts");
    return packageSchema(this.name, this.version, await allKinds(this.#kinds));
  }

  missing(token: string): Failure {
    return new Failure({
      what: `the plugin onprem has no ${token}`,
      why: `it has ${Object.keys(this.#kinds).sort().join(", ")}`,
    });
  }

  async checkConfig(given: Bag): Promise<Checked> {
    this.#inProgram = true;
    const connector = await this.#connector();
    return checkKnown(given, (known, problems) => connector.check(known, problems));
  }

  /**
   * Connects at once, so that a host out of reach is one error and not one for each resource. In a program's run that is
   * the provider's own failure, and nothing that depends on it starts. A refresh takes the provider from the state, never
   * checks it, and repeats its failure for each resource: there the first resource that is read tells it.
   *
   * A host aside of the stack's own is no reason to leave that one alone: a warning, and only what is to be done on it fails.
   */
  async configure(config: Bag, say: Say): Promise<void> {
    if (unknownKeys(config.values).length > 0) return;
    try {
      const connector = await this.#connector();
      this.#link = await connector.connect(config.values, say, this.#stop.signal);
    } catch (failure) {
      const aside = String(config.values.aside) === "true";
      if (this.#inProgram && !aside) throw failure;
      this.#outOfReach = { failure: this.#inProgram ? failure : ofLastRun(failure), told: false, aside };
      if (aside)
        say("warning", `${reason(failure)}\nWhat this stack has there is left as it was; the rest of the run goes on.`);
    }
  }

  async check(type: string, given: Bag): Promise<Checked> {
    const kind = await this.#kind(type);
    return checkKnown(given, (known, problems) => {
      for (const property of problems.secretProperties.filter((key) => !kind.confidential?.includes(key))) {
        problems.add(property, "must not be a secret: on the host every account could read it");
      }
      return kind.check(known, problems);
    });
  }

  async diff(type: string, { name, say, outputs, oldInputs, inputs }: Change): Promise<Diff> {
    const kind = await this.#kind(type);
    // In a refresh they are the state's own, which an earlier version may have written.
    const want = withDefaults(kind.fields, inputs.values);
    if (unknownKeys(inputs.values).length === 0) this.#warn(kind, { name, say }, want, outputs.values);
    const found = differences(oldInputs.values, inputs.values);
    const replaces = kind.identity.filter((key) => found.some((difference) => difference.path[0] === key));
    if (found.length > 0 || unknownKeys(inputs.values).length > 0) return { differences: found, replaces };
    const steps = kind.plan(want, outputs.values, outputs.values.memory);
    const unmet: string[] = steps.map((step) => step.property ?? kind.identity[0] ?? "id");
    if (kind.refuse?.(want, outputs.values, true) !== undefined) unmet.push("require");
    return {
      differences: [...new Set(unmet)].map((property) => ({ path: [property], change: "update" })),
      replaces: [],
    };
  }

  /** Warnings of what stands already, once a run; the engine asks for a diff in its refresh too. */
  #warn(kind: AnyKind, { name, say }: { name: string; say: Say }, want: Values, seen: Values): void {
    for (const warning of kind.warn?.(want, seen) ?? []) {
      if (this.#warned.has(`${name}: ${warning}`)) continue;
      this.#warned.add(`${name}: ${warning}`);
      say("warning", warning);
    }
  }

  async create(type: string, { urn, name, inputs, preview, say }: Creation): Promise<Made> {
    const kind = await this.#kind(type);
    const want = inputs.values;
    if (preview) return { id: "", outputs: await this.#foresee(kind, { urn, name, say }, inputs) };
    const id = idOf(kind, want);
    const host = this.#host;
    return explained(kind, name, async () => {
      const { seen, memory } = await apply(kind, host, want, { urn, secret: holdsSecret(inputs), say }).catch(
        (error) => {
          throw partial(kind, { name, id, inputs }, error);
        },
      );
      return { id, outputs: outputsOf(kind, inputs, seen, memory) };
    });
  }

  /** What a creation will give, as far as it is known; and whether it would be refused, before anything is touched. */
  async #foresee(kind: AnyKind, { urn, name, say }: Call, inputs: Bag): Promise<Bag> {
    if (unknownKeys(inputs.values).length > 0) return inputs;
    const want = inputs.values;
    const foreseen = kind.foresee?.(want) ?? {};
    const link = this.#link;
    if (link === undefined) return outputsOf(kind, inputs, foreseen, undefined);
    return explained(kind, name, async () => {
      const [seen, begun] = await Promise.all([
        kind.observe(link, want),
        findBegun(link, begunAt(urn, idOf(kind, want))),
      ]);
      admit(beforehand(kind), link, want, seen, withBegun({ say }, begun));
      const agrees = seen !== undefined && kind.plan(want, seen).length === 0;
      return outputsOf(kind, inputs, agrees ? seen : foreseen, undefined);
    });
  }

  async read(type: string, { id, name, inputs, outputs, say }: Known): Promise<Read | undefined> {
    const kind = await this.#kind(type);
    // The run has failed with the first one that told why, or was warned of a host aside; the state stays as it is.
    if (this.#outOfReach?.told || this.#outOfReach?.aside) return { id, inputs, outputs };
    const imported = Object.keys(inputs.values).length === 0;
    const want = imported ? kind.named(id) : inputs.values;
    if (want === undefined) {
      throw new Failure({
        what: `${kind.type} "${name}": "${id}" is not an id of this type`,
        why: "an import names what is on the host",
        remedy: "docs/resources.md shows the form of the id for each type.",
      });
    }
    const host = this.#host;
    return explained(kind, name, async () => {
      const { unfinished } = outputs.values;
      let seen: object | undefined;
      try {
        seen = await kind.observe(host, want, unfinished as object | undefined);
      } catch (error) {
        if (imported || kind.elsewhere !== true || !(error instanceof Failure)) throw error;
        say("warning", `${error.message}\nWhat was known of it is kept; the rest of the run goes on.`);
        return { id, inputs, outputs };
      }
      if (seen === undefined) return undefined;
      const now = seen as Values;
      const keys = imported ? Object.keys(kind.fields) : Object.keys(inputs.values);
      const found = Object.fromEntries(keys.map((key) => [key, key in now ? now[key] : want[key]]));
      // An import gets the defaults too, or the program that it was made for would differ in each.
      const overlaid: Values = imported ? { ...kind.check(defined(found), new Problems()), ...defined(found) } : found;
      const readInputs: Bag = { values: overlaid, secrets: inputs.secrets };
      const read = outputsOf(kind, readInputs, seen, outputs.values.memory);
      return { id, inputs: readInputs, outputs: unfinished === undefined ? read : withUnfinished(read, outputs) };
    });
  }

  async update(
    type: string,
    { urn, id, name, inputs, oldInputs, outputs, preview }: Update,
  ): Promise<{ outputs: Bag }> {
    const kind = await this.#kind(type);
    const want = inputs.values;
    if (preview) return { outputs: this.#foreseeUpdate(kind, name, inputs, outputs) };
    const memory = outputs.values.memory as object | undefined;
    const host = this.#host;
    const finished = outputs.values.unfinished === undefined ? oldInputs : bagOf(outputs.values.unfinished, oldInputs);
    return explained(kind, name, async () => {
      const before = { urn, prior: finished.values, memory, ours: true, secret: holdsSecret(inputs) };
      const applied = await apply(kind, host, want, before).catch((error) => {
        throw partial(kind, { name, id, inputs, finished }, error);
      });
      return { outputs: outputsOf(kind, inputs, applied.seen, applied.memory) };
    });
  }

  #foreseeUpdate(kind: AnyKind, name: string, inputs: Bag, outputs: Bag): Bag {
    if (unknownKeys(inputs.values).length > 0) return inputs;
    const { values: want } = inputs;
    try {
      admit(beforehand(kind), this.#link ?? { name: "the host" }, want, outputs.values, { ours: true });
    } catch (error) {
      throw labelled(kind, name, error);
    }
    const agrees = kind.plan(want, outputs.values, outputs.values.memory).length === 0;
    const { memory, unfinished: _, ...seen } = outputs.values;
    return outputsOf(kind, inputs, agrees ? seen : (kind.foresee?.(want) ?? {}), memory);
  }

  async remove(type: string, { urn, name, inputs, outputs }: Known): Promise<void> {
    const kind = await this.#kind(type);
    const host = this.#host;
    const memory = outputs.values.memory as object | undefined;
    await explained(kind, name, () => destroy(kind, host, inputs.values, { urn, memory }));
  }

  cancel(): void {
    this.#stop.abort();
    void this.#link?.close();
  }

  get #host(): Link {
    if (this.#link !== undefined) return this.#link;
    if (this.#outOfReach !== undefined) {
      this.#outOfReach.told = true;
      throw this.#outOfReach.failure;
    }
    throw new Failure({
      what: "the host is not known yet",
      why: "the provider's configuration holds values that this run has not computed",
      remedy: "Give the address and the host key as configuration, or run the update of what computes them first.",
    });
  }

  async #kind(type: string): Promise<AnyKind> {
    if (!Object.hasOwn(this.#kinds, type)) throw this.missing(type);
    const load = this.#kinds[type] as () => Promise<AnyKind>;
    return load();
  }
}

/** A kind as previews know it. */
function beforehand(kind: AnyKind): AnyKind {
  if (kind.refusesLate !== true) return kind;
  const { refuse: _, ...rest } = kind;
  return rest;
}

function defined(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function holdsSecret(inputs: Bag): boolean {
  return inputs.secrets.length > 0;
}

/** The state: what was asked for, overlaid with what is there. */
function outputsOf({ independent }: Pick<AnyKind, "independent">, inputs: Bag, seen: object, memory: unknown): Bag {
  const state = { ...inputs.values, ...seen, ...(memory === undefined ? {} : { memory }) };
  const values = withoutAssets(state) as Record<string, unknown>;
  return { values, secrets: outputSecrets(inputs, values, independent) };
}

/**
 * The state of a change that failed half-way. An update keeps what the last finished one wanted, as `unfinished`: the
 * engine stores the new inputs, and what left the program with them must still be found and removed.
 */
function partial(kind: AnyKind, { name, id, inputs, finished }: Attempt, error: unknown): unknown {
  if (!(error instanceof Unfinished && error.begun)) return error;
  const state = outputsOf(kind, inputs, error.seen ?? {}, error.memory);
  const outputs =
    finished === undefined ? state : withUnfinished(state, bagOf({ unfinished: finished.values }, finished));
  return new Incomplete(labelled(kind, name, error).message, { id, inputs, outputs }, { cause: error });
}

interface Attempt {
  name: string;
  id: string;
  inputs: Bag;
  /** What the last finished update wanted; absent in a creation. */
  finished?: Bag;
}

function bagOf(values: unknown, { secrets }: Bag): Bag {
  return { values: values as Values, secrets };
}

/** Secret as a whole when it holds any secret. */
function withUnfinished(state: Bag, { values, secrets }: Bag): Bag {
  const unfinished = withoutAssets(values.unfinished);
  const hidden: Path[] = secrets.length > 0 ? [["unfinished"]] : [];
  return { values: { ...state.values, unfinished }, secrets: [...state.secrets, ...hidden] };
}

/** Runs an operation and says of which resource it was when it fails. */
async function explained<Result>(kind: AnyKind, name: string, operation: () => Promise<Result>): Promise<Result> {
  try {
    return await operation();
  } catch (error) {
    throw error instanceof Incomplete ? error : labelled(kind, name, error);
  }
}

function labelled(kind: AnyKind, name: string, error: unknown): Error {
  const { what, ...rest } =
    error instanceof Failure ? error.explanation : { what: "an unexpected error", why: reason(error) };
  return new Failure({ what: `${kind.type} "${name}": ${what}`, ...rest }, { cause: error });
}
