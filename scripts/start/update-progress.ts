import { describeSeconds } from "../reporter.ts";
import type { UpdateState } from "./engine-events.ts";

/** How long an update took and how many resources it went through: what the next one is measured by. */
export interface Pace {
  readonly resources: number;
  readonly seconds: number;
}

/** One update under way. */
export interface Underway {
  readonly name: string;
  readonly state: UpdateState;
  /** Seconds since it began; `undefined` while it waits for its turn. */
  readonly elapsed: number | undefined;
  readonly pace: Pace;
  readonly ended: boolean;
}

/** One line for all updates: what, how long, what remains. */
export function describeUpdates(updates: readonly Underway[]): string {
  return updates.map(describeUpdate).join(" | ");
}

function describeUpdate({ name, state, elapsed, pace, ended }: Underway): string {
  if (elapsed === undefined) return `${name}: waits`;
  if (ended) return `${name}: ${state.errors.length === 0 ? "done" : "failed"}`;
  const remaining = Math.max(pace.seconds - elapsed, 1);
  const now = state.current === undefined ? "" : `, ${state.current}`;
  const done = state.done === 0 ? state.looked : state.done;
  const counted = `${state.done === 0 ? "looks at" : "at"} ${done} of ${Math.max(pace.resources, done)}`;
  return `${name}: ${counted}, ${describeSeconds(elapsed)}, about ${describeSeconds(remaining)} left${now}`;
}
