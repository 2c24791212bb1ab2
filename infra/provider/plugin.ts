import type { Difference } from "./difference.ts";
import type { Failure } from "./failure.ts";
import type { Say } from "./host/host.ts";
import type { Problem } from "./problems.ts";
import type { Bag } from "./values.ts";

/** What a plugin does, free of Pulumi's protocol: `adapter.ts` serves it. Rejections reach the user as they read. */
export interface Plugin {
  readonly name: string;
  readonly version: string;
  /** Pulumi's package schema as JSON. */
  schema(): string | Promise<string>;
  /** What the user reads who asks for a resource or function that this plugin does not have. */
  missing(token: string): Failure;
  /** Checks the provider's own configuration. */
  checkConfig(given: Bag): Checked | Promise<Checked>;
  /** Takes the provider's configuration; connects where there is something to connect to. */
  configure(config: Bag, say: Say): Promise<void>;
  check(type: string, given: Bag): Checked | Promise<Checked>;
  /** Pure: never touches a host, since the engine asks one resource after another. */
  diff(type: string, change: Change): Diff | Promise<Diff>;
  create(type: string, creation: Creation): Promise<Made>;
  /** Looks at the live thing; `undefined` means it is gone. */
  read(type: string, known: Known): Promise<Read | undefined>;
  update(type: string, update: Update): Promise<{ outputs: Bag }>;
  remove(type: string, known: Known): Promise<void>;
  /** Stops what is under way, within seconds; the calls that did it reject. */
  cancel(): void;
}

export interface Checked {
  /** The inputs with defaults filled in. */
  readonly inputs: Bag;
  readonly problems: readonly Problem[];
}

export interface Change extends Call {
  readonly id: string;
  readonly outputs: Bag;
  readonly oldInputs: Bag;
  readonly inputs: Bag;
}

export interface Diff {
  readonly differences: readonly Difference[];
  /** Top-level properties whose change replaces the resource. */
  readonly replaces: readonly string[];
  /**
   * A replacement is made before the old one is removed. Only where two never have the same id: else the removal would
   * hit what was just made. @default false
   */
  readonly createFirst?: boolean;
}

/** What every call about one resource carries. */
export interface Call {
  readonly urn: string;
  /** The resource's name in the program, for messages. */
  readonly name: string;
  readonly say: Say;
}

export interface Creation extends Call {
  readonly inputs: Bag;
  readonly preview: boolean;
  /** Seconds that the program allows (`customTimeouts`); 0 means no bound of its own. */
  readonly timeout: number;
}

export interface Made {
  readonly id: string;
  readonly outputs: Bag;
}

export interface Known extends Call {
  readonly id: string;
  /** Empty in an import. */
  readonly inputs: Bag;
  readonly outputs: Bag;
  readonly timeout: number;
}

export interface Read extends Made {
  readonly inputs: Bag;
}

export interface Update extends Known {
  readonly oldInputs: Bag;
  readonly preview: boolean;
}

/** A create or update that failed after it may have begun: state keeps `outputs`, so that the next run heals it. */
export class Incomplete extends Error {
  override readonly name = "Incomplete";
  readonly id: string;
  readonly inputs: Bag;
  readonly outputs: Bag;

  constructor(message: string, made: Made & { inputs: Bag }, options: { cause: unknown }) {
    super(message, options);
    this.id = made.id;
    this.inputs = made.inputs;
    this.outputs = made.outputs;
  }
}
