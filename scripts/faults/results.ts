import { z } from "zod";
import { cacheFolder } from "../../lab/places.ts";
import type { Machine } from "../measured-on.ts";

/** What a fault case says of itself while it runs (`test/e2e/faults/fault.ts`). */
export interface FaultMeta {
  readonly done: string;
  readonly holds: string;
  readonly seen: string[];
  /** Seconds without a way in; absent where nobody looked. */
  accessBack?: number;
}

/** One case of a run. */
export interface FaultResult extends FaultMeta {
  /** `group/name`. */
  readonly id: string;
  readonly outcome: "held" | "failed";
  /** Seconds that the whole case took. */
  readonly took: number;
  /** The first line of what went wrong. */
  readonly error?: string;
  /** The commit that it was run at. */
  readonly commit: string;
}

/** What a call of `npm run faults` keeps, and takes with `--from`. */
export interface FaultRun {
  /** ISO 8601. */
  readonly begun: string;
  readonly machine: Machine;
  readonly results: readonly FaultResult[];
}

const meta = z.object({
  done: z.string(),
  holds: z.string(),
  seen: z.array(z.string()),
  accessBack: z.number().optional(),
});

/** The part of vitest's JSON report that tells how the cases went. */
const report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(
        z.object({
          title: z.string(),
          status: z.string(),
          duration: z.number().nullish(),
          failureMessages: z.array(z.string()).nullish(),
          meta: z.object({ fault: meta.optional() }).optional(),
        }),
      ),
    }),
  ),
});

/**
 * How the chosen cases went, in the order of their ids. One that the report does not have has failed: its file could not be prepared, or
 * the run was broken off. A report that cannot be read has none.
 */
export function readResults(json: string, commit: string, chosen: readonly string[]): FaultResult[] {
  const read = report.safeParse(parsed(json));
  const files = read.success ? read.data.testResults : [];
  const found = files.flatMap(({ assertionResults }) => assertionResults).flatMap((one) => resultOf(one, commit));
  const missing = chosen.filter((id) => !found.some((result) => result.id === id));
  const why = files.map(({ message }) => message?.split("\n")[0]).find((text) => text !== undefined && text !== "");
  return [...found, ...missing.map((id) => notRun(id, commit, why))].sort((one, other) => (one.id < other.id ? -1 : 1));
}

type Assertion = z.infer<typeof report>["testResults"][number]["assertionResults"][number];

function resultOf({ title, status, duration, failureMessages, meta }: Assertion, commit: string): FaultResult[] {
  if (meta?.fault === undefined) return [];
  const { accessBack, seen, ...said } = meta.fault;
  const error = failureMessages?.[0]?.split("\n")[0];
  return [
    {
      id: title,
      ...said,
      seen: seen.map(asSentence),
      ...(accessBack === undefined ? {} : { accessBack }),
      outcome: status === "passed" ? "held" : "failed",
      took: Math.round((duration ?? 0) / 100) / 10,
      commit,
      ...(error === undefined ? {} : { error: asSentence(error) }),
    },
  ];
}

function notRun(id: string, commit: string, why: string | undefined): FaultResult {
  const error = asSentence(why ?? "it was never begun");
  return { id, done: "", holds: "", seen: [], outcome: "failed", took: 0, commit, error };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // cut short by whatever ended the run
  }
}

/** Begun as a sentence, and without what is this machine's alone: where its cache is, and where it fetches packages from. */
function asSentence(text: string): string {
  const told = text.replaceAll(cacheFolder(), "~/.cache/onprem").replace(/https?:\/\/[^/\s"]+/g, "http://ARCHIVE");
  return told.charAt(0).toUpperCase() + told.slice(1);
}

/** The results of one run, and of another those of the cases that it did not carry out. */
export function merged(run: FaultRun, earlier: FaultRun | undefined): FaultRun {
  const ids = new Set(run.results.map(({ id }) => id));
  return { ...run, results: [...run.results, ...(earlier?.results ?? []).filter(({ id }) => !ids.has(id))] };
}
