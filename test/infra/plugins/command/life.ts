import { expect } from "vitest";
import type { CommandStandIn } from "../../../../infra/plugins/command/stand-in.ts";
import type { Made } from "../../../../infra/provider/plugin.ts";
import { type Bag, emptyBag, type Path } from "../../../../infra/provider/values.ts";

/** One resource of the stand-in, as the engine would lead it through its life. */
export class Life {
  readonly said: string[] = [];
  readonly #standIn: CommandStandIn;
  readonly #type: string;
  #inputs: Bag = emptyBag;
  #made: Made = { id: "", outputs: emptyBag };
  /** Seconds that the program allows. */
  timeout = 0;

  constructor(standIn: CommandStandIn, type: string) {
    this.#standIn = standIn;
    this.#type = type;
  }

  get outputs(): Bag {
    return this.#made.outputs;
  }

  get id(): string {
    return this.#made.id;
  }

  /** Everything that the plugin said so far. */
  get #call() {
    return {
      urn: "urn:pulumi:dev::test::command::mine",
      name: "mine",
      timeout: this.timeout,
      say: (_: string, text: string) => void this.said.push(text),
    };
  }

  async create(
    given: Readonly<Record<string, unknown>>,
    ...secrets: Path[]
  ): Promise<Readonly<Record<string, unknown>>> {
    this.#inputs = this.#checked(given, secrets);
    this.#made = await this.#standIn.create(this.#type, { ...this.#call, inputs: this.#inputs, preview: false });
    return this.#made.outputs.values;
  }

  async update(
    given: Readonly<Record<string, unknown>>,
    ...secrets: Path[]
  ): Promise<Readonly<Record<string, unknown>>> {
    const [oldInputs, inputs] = [this.#inputs, this.#checked(given, secrets)];
    const update = { ...this.#call, ...this.#made, oldInputs, inputs, preview: false };
    this.#made = { ...this.#made, ...(await this.#standIn.update(this.#type, update)) };
    this.#inputs = inputs;
    return this.#made.outputs.values;
  }

  async remove(): Promise<void> {
    await this.#standIn.remove(this.#type, { ...this.#call, ...this.#made, inputs: this.#inputs });
  }

  #checked(values: Readonly<Record<string, unknown>>, secrets: readonly Path[]): Bag {
    const { inputs, problems } = this.#standIn.check(this.#type, { values, secrets });
    expect(problems).toEqual([]);
    return inputs;
  }
}
