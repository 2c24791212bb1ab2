import { Failure, reason } from "../failure.ts";
import type { ActContext, ActStep, Guard, Step } from "../step.ts";
import { Cancelled } from "./errors.ts";

/** Carries out an act. Whatever it throws becomes a `Failure`. */
export async function carryOut(step: ActStep, context: ActContext): Promise<void> {
  const { host, signal } = context;
  if (signal.aborted) throw new Cancelled(host.name);
  try {
    await step.act(context);
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (signal.aborted) throw new Cancelled(host.name);
    const why = step.secret ? "an unexpected error [what it said may hold a secret]" : reason(error);
    throw new Failure({ what: `could not ${step.title}`, why }, step.secret ? undefined : { cause: error });
  }
}

/** What is done elsewhere, the host cannot undo: a plan that needs that is a mistake. @throws Failure before anything is done */
export function refuseActs(host: string, steps: readonly Step[], guard: Guard): void {
  const step = steps.find((each) => each.do === "act");
  if (step === undefined) return;
  throw new Failure({
    what: `will not ${step.title} in the guarded change ${guard.name} on ${host}; nothing was changed`,
    why: "it is not done on the host, which could not undo it",
  });
}
