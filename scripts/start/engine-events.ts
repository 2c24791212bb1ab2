import { type Finished, lastWords } from "../command.ts";

/** The operations that change something; the rest of what the engine tells is looking. */
const changing = ["create", "update", "delete", "replace", "import"] as const;

/** What an update did to a resource. */
export type Change = (typeof changing)[number];

/** Where a resource was not as it must be. */
export interface Differed {
  /** As in {@link UpdateState.current}. */
  readonly name: string;
  /** Property paths, as the engine writes them: `values["net.ipv4.tcp_syncookies"]`. Never values. */
  readonly paths: readonly string[];
}

/** How far an update is, or how it ended. */
export interface UpdateState {
  /** Resources that the engine has looked at on the server, before it began. */
  readonly looked: number;
  /** Resources that are done: found to be right, or changed. */
  readonly done: number;
  /** What is being changed right now, as `File motd`; the one begun last where several are. */
  readonly current: string | undefined;
  /** Changed resources by what was done to them. */
  readonly changes: Readonly<Partial<Record<Change, readonly string[]>>>;
  /** What differed in each resource that was there and was changed, in the order in which they were. */
  readonly differed: readonly Differed[];
  /** Whether the server was verified in this update; it is not where nothing changed that the verification looks at. */
  readonly verified: boolean;
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  /** What the engine's own parts wrote to standard error, the last {@link mostPrinted} pieces: told where one of them ended in the middle. */
  readonly printed: readonly string[];
  /** Outputs of the stack, once they are known. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** An update that has not begun. */
export const notBegun: UpdateState = {
  looked: 0,
  done: 0,
  current: undefined,
  changes: {},
  differed: [],
  verified: false,
  errors: [],
  warnings: [],
  printed: [],
  outputs: {},
};

const mostPrinted = 10;

interface Metadata {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  /** Properties that differ; the first words of the paths in `detailedDiff`, where there is one. */
  readonly diffs?: readonly string[] | null;
  readonly detailedDiff?: Readonly<Record<string, unknown>> | null;
  readonly new?: { readonly outputs?: Record<string, unknown> } | null;
}

/** The part of the engine's events (pulumi/sdk/go/common/apitype/events.go) that is read here. */
interface EngineEvent {
  readonly resourcePreEvent?: { readonly metadata: Metadata };
  readonly resOutputsEvent?: { readonly metadata: Metadata };
  readonly diagnosticEvent?: { readonly severity: string; readonly message: string };
}

/** The state after one more line of `pulumi up --json`. A line that is no event changes nothing. */
export function readEvent(state: UpdateState, line: string): UpdateState {
  const event = eventIn(line);
  if (event === undefined) return state;
  if (event.diagnosticEvent) return readDiagnostic(state, event.diagnosticEvent);
  const begun = event.resourcePreEvent?.metadata;
  if (begun) return changeOf(begun.op) === undefined ? state : { ...state, current: nameOf(begun) };
  const done = event.resOutputsEvent?.metadata;
  return done ? readEnd(state, done) : state;
}

/**
 * What an update came to that has ended; one that failed and told no error has its last words as one. Where the process that runs the
 * program is gone in the middle, all that the engine says is what its connection met.
 */
export function ended(state: UpdateState, ran: Finished): UpdateState {
  if (ran.code === 0) return state;
  if (state.errors.length > 0) {
    const also = [...state.printed, ran.stderr.trim()].filter((text) => text !== "").join("\n  ");
    const told = also === "" ? "it wrote nothing" : `the last that was written:\n  ${also}`;
    const errors = state.errors.map((error) =>
      error.endsWith("error reading from server: EOF")
        ? `the engine's language host ended before its time (${error}); ${told}\n  What is done stays; run the update again.`
        : error,
    );
    return { ...state, errors };
  }
  const stdout = ran.stdout.split("\n").filter((line) => !line.startsWith("{"));
  return { ...state, errors: [lastWords({ ...ran, stdout: stdout.join("\n") })] };
}

/** The last line of an engine that was killed may be half of one. */
function eventIn(line: string): EngineEvent | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as EngineEvent;
  } catch {
    return undefined;
  }
}

function readEnd(state: UpdateState, ended: Metadata): UpdateState {
  if (ended.op === "refresh") return { ...state, looked: state.looked + 1 };
  if (partsOfReplacement.includes(ended.op)) return state;
  if (ended.type === "pulumi:pulumi:Stack") return { ...state, outputs: ended.new?.outputs ?? {} };
  const name = nameOf(ended);
  const current = state.current === name ? undefined : state.current;
  const change = changeOf(ended.op);
  if (change === undefined) return { ...state, current, done: state.done + 1 };
  const changes = { ...state.changes, [change]: [...(state.changes[change] ?? []), name] };
  const paths = Object.keys(ended.detailedDiff ?? {});
  const differed = { name, paths: paths.length > 0 ? paths : (ended.diffs ?? []) };
  return {
    ...state,
    current,
    done: state.done + 1,
    changes,
    differed: differed.paths.length > 0 ? [...state.differed, differed] : state.differed,
    verified: state.verified || (ended.type === verification && change !== "delete"),
  };
}

/** The type of the one action of a server, which verifies it. */
const verification = "command:remote:Command";

function readDiagnostic(state: UpdateState, { severity, message }: { severity: string; message: string }): UpdateState {
  const text = message.trim();
  if (severity === "error" && text === "update failed" && state.errors.length > 0) return state; // says nothing more
  if (severity === "error" && !state.errors.includes(text)) return { ...state, errors: [...state.errors, text] };
  if (severity === "info#err") return { ...state, printed: [...state.printed, text].slice(-mostPrinted) };
  if (severity === "warning" && !state.warnings.includes(text))
    return { ...state, warnings: [...state.warnings, text] };
  return state;
}

/** A replacement comes as three steps, of which `replace` is counted. */
const partsOfReplacement = ["delete-replaced", "create-replacement"];

function changeOf(op: string): Change | undefined {
  return changing.find((change) => change === op);
}

/** `File motd` for urn:pulumi:dev::os2mo-on-prem::onprem:index:Server$onprem:linux:File::motd. */
function nameOf({ urn, type }: Metadata): string {
  return `${type.split(":").at(-1)} ${urn.split("::").slice(3).join("::")}`;
}
