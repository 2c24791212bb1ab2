import { z } from "zod";

/** The part of vitest's JSON report (`--reporter=json`, Jest's format) that counts. */
const report = z.object({
  success: z.boolean(),
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  testResults: z.array(
    z.object({ name: z.string(), status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) }),
  ),
});

/** How a test run ended. */
export interface Tally {
  readonly passed: number;
  /** Tests that failed, and what failed without being a test: a file that could not be read, a set-up, an error that nobody awaited. */
  readonly failed: number;
}

/** Count a report; `undefined`, or what is no report, is one failure: the run ended before it could tell. */
export function tally(json: string | undefined): Tally {
  const read = report.safeParse(parse(json));
  if (!read.success) return { passed: 0, failed: 1 };
  const { success, numPassedTests, numFailedTests, testResults } = read.data;
  const brokenFiles = testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some(({ status }) => status === "failed"),
  );
  const failed = numFailedTests + brokenFiles.length;
  return { passed: numPassedTests, failed: failed === 0 && !success ? 1 : failed };
}

/** The last line of a run. */
export function describeTally({ passed, failed }: Tally): string {
  return `${passed} passed, ${failed} failed`;
}

/** Whether a run proves anything: something ran, and nothing failed. */
export function isGood({ passed, failed }: Tally): boolean {
  return passed > 0 && failed === 0;
}

function parse(json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return undefined; // cut short by whatever ended the run
  }
}
