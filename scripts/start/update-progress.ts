import { describeSeconds } from "../reporter.ts";
import type { UpdateState } from "./engine-events.ts";

/** How long an update took, how many resources it went through and how many it changed: what the next one is measured by. */
export interface Pace {
  readonly resources: number;
  readonly changes: number;
  readonly seconds: number;
  /** What it was: the last update of this stack, or the usual first one. */
  readonly of: "last time" | "usual";
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
  const now = state.current === undefined ? "" : `, ${state.current}`;
  const done = state.done === 0 ? state.looked : state.done;
  const counted = `${state.done === 0 ? "looks at" : "at"} ${done} of ${Math.max(pace.resources, done)}`;
  return `${name}: ${counted}, ${describeSeconds(elapsed)}${describeRest(state, elapsed, pace)}${now}`;
}

function describeRest(state: UpdateState, elapsed: number, pace: Pace): string {
  if (!isComparable(state, pace)) return "";
  const remaining = pace.seconds - elapsed;
  return remaining < 1 ? `, longer than ${pace.of}` : `, about ${describeSeconds(remaining)} left`;
}

/** An update that changes nothing lasts as long as another such, and one of an empty server too; of the rest nothing is known. */
function isComparable({ looked, current, changes }: UpdateState, pace: Pace): boolean {
  if (pace.changes === 0) return current === undefined && Object.keys(changes).length === 0;
  return pace.changes >= pace.resources && looked === 0;
}
