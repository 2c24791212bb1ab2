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

/** The cases that a run has carried out, in the order of their ids. A report that cannot be read is an empty run. */
export function readResults(json: string, commit: string): FaultResult[] {
  const read = report.safeParse(JSON.parse(json));
  if (!read.success) return [];
  const cases = read.data.testResults.flatMap(({ assertionResults }) => assertionResults);
  return cases
    .flatMap(({ title, status, duration, failureMessages, meta }): FaultResult[] => {
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
          ...(error === undefined ? {} : { error }),
        },
      ];
    })
    .sort((one, other) => (one.id < other.id ? -1 : 1));
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
