import type { z } from "zod";
import type { Host } from "./host/host.ts";
import type { Problems } from "./problems.ts";
import type { Guard, Step } from "./step.ts";

/**
 * What a resource author writes; the lifecycle derives the rest (design.md decision 2).
 *
 * `Want` is what the program asks for with defaults filled in; `Seen` is what the host has. Both are plain JSON values.
 * Properties that mean the same have the same name and form in both: refresh then shows each difference by property.
 * `Memory` is what must be remembered from before we came, so that removal leaves what was there.
 */
export interface Kind<Want extends object, Seen extends object, Memory extends object = never> {
  readonly type: `onprem:${string}:${string}`;
  /** One sentence, for the schema. */
  readonly summary: string;
  /** The inputs: type, bounds and default of each. */
  readonly fields: z.ZodRawShape;
  /** Inputs that may hold a secret. Any other would stand where every account of the host can read it, and is refused. */
  readonly confidential?: readonly (keyof Want & string)[];
  /** Outputs that follow from no input, such as a public key that was made on the host: no secret, whatever the inputs are. */
  readonly independent?: readonly string[];
  /** Properties that name the thing on its host. Changing one replaces it. */
  readonly identity: readonly (keyof Want & string)[];
  /** Fill in defaults and report problems by property. Never sees a value that is unknown in preview; never throws. */
  check(given: Partial<Want>, problems: Problems): Want;
  /** The id in Pulumi's state, and what `pulumi import` is given. @default the values of `identity`, joined by a comma */
  id?(want: Want): string;
  /** The inputs that an id names, for import; `undefined` when the id is malformed. */
  named(id: string): Partial<Want> | undefined;
  /**
   * Look, do not touch. `undefined` means absent. `want` may hold only what `named` gave (import); `prior` is what the
   * last update wanted, where it differs: what left it must be seen too, or it could not be removed.
   */
  observe(host: Host, want: Partial<Want>, prior?: Partial<Want>): Promise<Seen | undefined>;
  /** Pure: the steps from what is seen to what is wanted. Empty when they agree. */
  plan(want: Want, seen: Seen | undefined, memory?: Memory): Step[];
  /** Pure: the steps that remove what is seen; empty when nothing of ours is left. */
  remove(seen: Seen, memory?: Memory): Step[];
  /** Pure: why what is seen must not be changed into what is wanted, and what to do; `ours` is false for what we did not make. */
  refuse?(want: Want, seen: Seen | undefined, ours: boolean): { why: string; remedy?: string } | undefined;
  /**
   * Whether a refusal ends only a change, and not a preview, which shows it as a difference: what somebody else must do first.
   * @default false
   */
  readonly refusesLate?: boolean;
  /**
   * Whether it does not stand on the host: where it cannot be looked at, a refresh warns, and keeps what it knew.
   * @default false
   */
  readonly elsewhere?: boolean;
  /** Pure: what to tell the user without stopping. */
  warn?(want: Want, seen: Seen | undefined): string[];
  /** Pure: outputs that follow from the inputs alone, so that previews know them. */
  foresee?(want: Want): Partial<Seen>;
  /** Pure: what to remember before the steps run, from what is seen and what was remembered. */
  remember?(want: Want, seen: Seen | undefined, memory: Memory | undefined): Memory;
  /** Pure: how the change is undone, when it can lock us out. `want` is undefined for a removal. */
  guard?(want: Want | undefined, seen: Seen | undefined): Guard | undefined;
}

/** A kind whose own types are of no interest to the caller. */
// biome-ignore lint/suspicious/noExplicitAny: a registry of kinds with different types has no other name in TypeScript
export type AnyKind = Kind<any, any, any>;
