import { describeSeconds } from "../reporter.ts";
import type { Differed, UpdateState } from "./engine-events.ts";
import type { OpenTo } from "./outside-view.ts";

/** One environment at the end of a run. */
export interface Outcome {
  /** Name of the stack. */
  readonly name: string;
  readonly addresses: readonly string[];
  readonly state: UpdateState;
  readonly seconds: number;
  readonly open: OpenTo;
  /** What is not as it must be, seen from outside. */
  readonly wrong: readonly string[];
  /** How many answers from outside were compared with what they must be. */
  readonly compared: number;
}

/** Most lines about what differed in one environment. */
const mostDiffered = 12;

/** Most property paths in one of these lines. */
const mostPaths = 4;

/**
 * The summary of one environment: where, what it is, what it warns of, who may talk to it, what was changed and where it differed, how
 * long it took, how it looks from inside and outside.
 */
export function describeOutcome({ name, addresses, state, seconds, open, wrong, compared }: Outcome): string {
  const lines = [
    ["address", addresses.join("  ")],
    ["system", text(state.outputs.os)],
    ["size", text(state.outputs.size)],
    ...labelled("warnings", state.warnings),
    ["open", `22 to ${open.management.join(", ")}`],
    ["", `80, 443 to ${open.internal.join(", ")}`],
    ["changed", describeChanges(state)],
    ...labelled("differed", describeDiffered(state.differed)),
    ["took", describeSeconds(seconds)],
    ["inside", describeVerification(state)],
    ["outside", describeView(wrong, compared)],
  ];
  const indented = wrong.map((sentence) => `            ${sentence}`);
  const errors = state.errors.flatMap((error) => ["", ...error.split("\n").map((line) => `  ${line}`)]);
  return [
    name,
    ...lines.map(([label = "", value = ""]) => `  ${label.padEnd(9)} ${value}`),
    ...indented,
    ...errors,
  ].join("\n");
}

/** What an update changed: how many of what, and the names where they are few. */
export function describeChanges({ changes, done, errors }: UpdateState): string {
  const counted = Object.entries(changes).map(([change, names]) => {
    const shown = names.length <= 3 ? ` (${names.join(", ")})` : "";
    return `${names.length} ${pastTense[change as keyof typeof changes]}${shown}`;
  });
  const all = `${done} resources`;
  if (errors.length > 0)
    return counted.length === 0 ? "nothing, for it failed" : `${counted.join(", ")}, then it failed`;
  return counted.length === 0 ? `nothing; all ${all} are as they must be` : `${counted.join(", ")}, of ${all}`;
}

/** What differed: a line for each resource, with property paths and never a value. */
export function describeDiffered(differed: readonly Differed[]): string[] {
  const lines = differed.map(({ name, paths }) => `${name}: ${shorten(paths, mostPaths).join(", ")}`);
  return shorten(lines, mostDiffered);
}

/** What to do next, at the end of a run. */
export function describeNext(lab: string, good: boolean): string {
  const named = lab === "lab" ? "" : ` --name ${lab}`;
  if (!good) {
    return `Something is not as it must be: see above. Put it right and say \`npm start\` again; to begin anew: npm run lab -- down${named}`;
  }
  return [
    "Next:",
    `  look at a server           npm run lab -- shell dev${named}`,
    "  change something by hand   then say `npm start` again: it shows what differed, and heals it",
    '  real servers               npm run setup, then README.md, "Going live"',
    `  take the lab down          npm run lab -- down${named}`,
  ].join("\n");
}

const pastTense = {
  create: "created",
  update: "updated",
  delete: "deleted",
  replace: "replaced",
  import: "imported",
} as const;

function describeView(wrong: readonly string[], compared: number): string {
  if (compared === 0) return "not looked at";
  const how = `${compared} connections tried from three networks over IPv4 and IPv6`;
  return wrong.length === 0 ? `as it must be: ${how}` : `NOT as it must be, of ${how}:`;
}

/** What the server answered when it was verified last, a line for each check. Where one fails, the update fails, and says it. */
function describeVerification({ outputs: { verification }, verified }: UpdateState): string {
  if (typeof verification !== "string") return text(undefined);
  const checks = `${verification.trim().split("\n").length} checks`;
  return verified
    ? `${checks} on the server itself passed`
    : `${checks} passed when last verified, not asked again in this run`;
}

/** One line of the summary for each text, the label at the first. */
function labelled(label: string, texts: readonly string[]): string[][] {
  return texts.map((one, index) => [index === 0 ? label : "", one]);
}

/** The first `most`, and how many more there are. */
function shorten(texts: readonly string[], most: number): string[] {
  return texts.length <= most ? [...texts] : [...texts.slice(0, most), `and ${texts.length - most} more`];
}

function text(output: unknown): string {
  if (typeof output === "string") return output;
  return output === undefined ? "not known, for the update did not get that far" : JSON.stringify(output);
}
