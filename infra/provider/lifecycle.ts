import { type Begun, begin, begunAt, findBegun, forget } from "./begun.ts";
import { Failure, reason } from "./failure.ts";
import { Cancelled, ConnectionLost } from "./host/errors.ts";
import type { Host, Say } from "./host/host.ts";
import type { Kind } from "./kind.ts";

/** What a change left on the host. */
export interface Applied<Seen, Memory> {
  readonly seen: Seen;
  readonly memory: Memory | undefined;
  /** Titles of the steps that ran; empty when the host already agreed. */
  readonly changed: readonly string[];
}

/** What is known from before a change. */
export interface Before<Want, Memory> {
  /** The resource in Pulumi's state; what is noted on the host of a creation is its own. @default the type alone */
  readonly urn?: string;
  /** What the last update wanted. */
  readonly prior?: Partial<Want> | undefined;
  readonly memory?: Memory | undefined;
  /** Whether the thing is in our state already. @default false */
  readonly ours?: boolean;
  /** Whether an input is a secret: then what a step's command says may quote it. @default false */
  readonly secret?: boolean;
  readonly say?: Say;
}

/** What must not be changed, or was seen and not allowed; nothing was touched. */
export class Refused extends Failure {
  override readonly name = "Refused";
}

/** A change that failed after it may have begun. */
export class Unfinished extends Failure {
  override readonly name = "Unfinished";
  /** What stands there now, where that could still be read. */
  readonly seen: object | undefined;
  readonly memory: object | undefined;
  /** Whether something may stand on the host: then state must know it, so that the next run looks again. */
  readonly begun: boolean;

  constructor(cause: unknown, seen: object | "absent" | undefined, memory: object | undefined) {
    const explanation =
      cause instanceof Failure ? cause.explanation : { what: "the change failed", why: reason(cause) };
    super(explanation, { cause });
    this.seen = seen === "absent" ? undefined : seen;
    this.begun = seen !== "absent";
    this.memory = memory;
  }
}

/**
 * Brings a thing on the host into agreement: create and update are this one flow (design.md decision 2).
 *
 * @throws Refused when the kind forbids it, before anything is touched
 * @throws Unfinished when a step failed, or when the host still differs afterwards
 */
export async function apply<Want extends object, Seen extends object, Memory extends object>(
  kind: Kind<Want, Seen, Memory>,
  host: Host,
  want: Want,
  before: Before<Want, Memory> = {},
): Promise<Applied<Seen, Memory>> {
  const note = begunAt(before.urn ?? kind.type, idOf(kind, want));
  const [seen, begun] = await Promise.all([kind.observe(host, want, before.prior), findBegun(host, note)]);
  const known = withBegun(before, begun);
  admit(kind, host, want, seen, known);
  const memory = kind.remember?.(want, seen, known.memory);
  const steps = kind.plan(want, seen, memory);
  if (steps.length === 0 && seen !== undefined) {
    if (begun !== undefined) await host.perform([forget(note)]);
    return { seen, memory, changed: [] };
  }
  const changed = steps.map((step) => step.title);
  // One step is there whole or not at all; of what is in our state already the engine knows.
  const notes = begun === undefined && !before.ours && steps.length > 1 ? [begin(note, memory)] : [];
  const isNoted = begun !== undefined || notes.length > 0;
  try {
    const hidden = before.secret ? steps.map((step) => ({ ...step, secret: step.secret ?? true })) : steps;
    const guard = kind.guard?.(want, seen);
    // What is guarded is undone together; the note must stay then.
    if (guard !== undefined && notes.length > 0) await host.perform(notes);
    await host.perform(guard === undefined ? [...notes, ...hidden] : hidden, guard);
    const now = await kind.observe(host, want, before.prior);
    const left = kind.plan(want, now, memory);
    if (now === undefined || left.length > 0) {
      throw new Failure({
        what: `${host.name} still differs after ${changed.join(", ")}`,
        why: `still to do: ${left.map((step) => step.title).join(", ") || "it is absent"}`,
        remedy: "Something on the host changes it back, or refuses it silently; look there, then run the update again.",
      });
    }
    if (isNoted) await host.perform([forget(note)]);
    return { seen: now, memory, changed };
  } catch (error) {
    const left = await lastLook(kind, host, want, before.prior, error);
    // The engine is told what stands there. Where the host is out of reach, the next change of this thing takes the note away.
    if (isNoted && !outOfReach(error)) await host.perform([forget(note)]).catch(() => undefined);
    throw new Unfinished(error, left, memory);
  }
}

/** What a creation knows from before it, when one before it was begun and could not tell anybody. */
export function withBegun<Known extends Pick<Before<object, unknown>, "ours" | "memory" | "say">>(
  before: Known,
  begun: Begun | undefined,
): Known {
  return begun === undefined || before.ours ? before : { ...before, ours: true, memory: begun.memory };
}

/** The id of a thing in Pulumi's state. */
export function idOf<Want extends object>(
  kind: Pick<Kind<Want, object>, "id" | "identity">,
  want: Partial<Want>,
): string {
  return kind.id?.(want as Want) ?? kind.identity.map((key) => String(want[key])).join(",");
}

/** Refusals and warnings of a kind, as apply and previews both need them. Touches nothing. */
export function admit<Want extends object, Seen extends object, Memory extends object>(
  kind: Kind<Want, Seen, Memory>,
  host: Pick<Host, "name">,
  want: Want,
  seen: Seen | undefined,
  before: Pick<Before<Want, Memory>, "ours" | "say">,
): void {
  const refusal = kind.refuse?.(want, seen, before.ours ?? false);
  if (refusal !== undefined) throw new Refused({ what: `nothing was changed on ${host.name}`, ...refusal });
  for (const warning of kind.warn?.(want, seen) ?? []) before.say?.("warning", warning);
}

/** Removes what is ours. What is absent already is no error. @throws Failure when a step fails */
export async function destroy<Want extends object, Seen extends object, Memory extends object>(
  kind: Kind<Want, Seen, Memory>,
  host: Host,
  want: Partial<Want>,
  { urn, memory }: Pick<Before<Want, Memory>, "urn" | "memory"> = {},
): Promise<readonly string[]> {
  const note = begunAt(urn ?? kind.type, idOf(kind, want));
  const [seen, begun] = await Promise.all([kind.observe(host, want), findBegun(host, note)]);
  const steps = seen === undefined ? [] : kind.remove(seen, memory);
  if (steps.length > 0) await host.perform(steps, seen && kind.guard?.(undefined, seen));
  if (begun !== undefined) await host.perform([forget(note)]);
  return steps.map((step) => step.title);
}

/** What stands on the host after a failure; `undefined` when the host is out of reach, and that must not hide the failure. */
async function lastLook<Want extends object, Seen extends object, Memory extends object>(
  kind: Kind<Want, Seen, Memory>,
  host: Host,
  want: Want,
  prior: Partial<Want> | undefined,
  failure: unknown,
): Promise<Seen | "absent" | undefined> {
  if (outOfReach(failure)) return undefined;
  try {
    return (await kind.observe(host, want, prior)) ?? "absent";
  } catch {
    return undefined;
  }
}

function outOfReach(failure: unknown): boolean {
  return failure instanceof Cancelled || failure instanceof ConnectionLost;
}
