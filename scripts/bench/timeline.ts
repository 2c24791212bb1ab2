/** One line of `pulumi up --json`, and when it arrived. */
export interface Arrived {
  /** Seconds after the start. */
  readonly at: number;
  readonly line: string;
}

/** The stages of a run that looks first and then finds nothing to do, as the engine's own events show them; together the whole run. */
export interface Timeline {
  /** Until the engine has read project, state and settings. */
  readonly begin: number;
  /** Until the first resource is looked at: the plugins have started. */
  readonly plugins: number;
  /** From the first look to the last answer: connecting and looking. */
  readonly looks: number;
  /** Until the program declares its first resource: its Node starts and loads it, and plugins may start again. */
  readonly program: number;
  /** From the first declared resource to the last one that is found the same. */
  readonly steps: number;
  /** Until the engine has ended: the last state is written, plugins end. */
  readonly end: number;
}

interface Event {
  readonly preludeEvent?: unknown;
  readonly resourcePreEvent?: { readonly metadata: { readonly op: string; readonly type: string } };
  readonly resOutputsEvent?: { readonly metadata: { readonly op: string; readonly type: string } };
}

/** @param whole Seconds of the whole run. `undefined` when the events are not those of such a run. */
export function timelineOf(arrived: readonly Arrived[], whole: number): Timeline | undefined {
  const events = arrived.flatMap(({ at, line }) =>
    line.startsWith("{") ? [{ at, event: JSON.parse(line) as Event }] : [],
  );
  const prelude = events.find(({ event }) => event.preludeEvent !== undefined)?.at;
  const isLook = (op: string | undefined) => op === "refresh";
  const isStep = (op: string | undefined) => op !== undefined && op !== "refresh";
  const begun = events.filter(({ event }) => event.resourcePreEvent !== undefined);
  const ended = events.filter(({ event }) => event.resOutputsEvent !== undefined);
  const firstLook = begun.find(({ event }) => isLook(event.resourcePreEvent?.metadata.op))?.at;
  const lastLook = ended.findLast(({ event }) => isLook(event.resOutputsEvent?.metadata.op))?.at;
  const firstStep = begun.find(
    // The stack itself is declared by the engine's own part of the program, before ours runs.
    ({ event }) =>
      isStep(event.resourcePreEvent?.metadata.op) && event.resourcePreEvent?.metadata.type !== "pulumi:pulumi:Stack",
  )?.at;
  const lastStep = ended.findLast(({ event }) => isStep(event.resOutputsEvent?.metadata.op))?.at;
  if (prelude === undefined || firstLook === undefined || lastLook === undefined) return undefined;
  if (firstStep === undefined || lastStep === undefined) return undefined;
  return {
    begin: prelude,
    plugins: firstLook - prelude,
    looks: lastLook - firstLook,
    program: firstStep - lastLook,
    steps: lastStep - firstStep,
    end: whole - lastStep,
  };
}
