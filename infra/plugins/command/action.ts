import type { z } from "zod";
import type { Say } from "../../provider/host/host.ts";
import type { Problems } from "../../provider/problems.ts";
import type { Bag } from "../../provider/values.ts";

/** What is known when an action is to do something. */
export interface Occasion {
  readonly inputs: Bag;
  /** Of the last run; empty before the first. */
  readonly outputs: Bag;
  readonly say: Say;
  /** Seconds that the program allows; 0 means no bound. */
  readonly timeout: number;
}

/** A resource of the stand-in: something done once per trigger, with nothing on a host to compare. */
export interface Action {
  readonly type: string;
  /** One sentence, for the schema. */
  readonly summary: string;
  readonly fields: z.ZodRawShape;
  /** The start of its ids. */
  idPrefix(name: string): string;
  check(given: object, problems: Problems): object;
  /** Outputs that are not inputs: not known before it has run. */
  readonly results: readonly string[];
  /** The outputs. */
  create(occasion: Occasion): Promise<Bag>;
  update(occasion: Occasion): Promise<Bag>;
  remove(occasion: Occasion): Promise<void>;
}
