import { z } from "zod";

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
export function readResults(json: string): FaultResult[] {
  const read = report.safeParse(JSON.parse(json));
  if (!read.success) return [];
  const cases = read.data.testResults.flatMap(({ assertionResults }) => assertionResults);
  return cases
    .flatMap(({ title, status, duration, failureMessages, meta }): FaultResult[] => {
      if (meta?.fault === undefined) return [];
      const { accessBack, ...said } = meta.fault;
      const error = failureMessages?.[0]?.split("\n")[0];
      return [
        {
          id: title,
          ...said,
          ...(accessBack === undefined ? {} : { accessBack }),
          outcome: status === "passed" ? "held" : "failed",
          took: Math.round((duration ?? 0) / 100) / 10,
          ...(error === undefined ? {} : { error }),
        },
      ];
    })
    .sort((one, other) => (one.id < other.id ? -1 : 1));
}
