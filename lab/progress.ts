import type { Progress } from "./status.ts";

/** Progress on standard error, each line with the seconds since the start. */
export function progressTo(stream: NodeJS.WritableStream = process.stderr): Progress {
  const start = Date.now();
  return (message) => stream.write(`lab ${((Date.now() - start) / 1000).toFixed(1).padStart(5)} s  ${message}\n`);
}

/**
 * Run one of several long steps and say what it is, which of how many, what it usually takes, and every ten seconds what is left.
 * `usualSeconds` is what the step took when it was last measured on two cores.
 */
export async function longStep<T>(
  progress: Progress,
  what: string,
  place: { step: number; of: number; usualSeconds: number },
  work: () => Promise<T>,
): Promise<T> {
  const start = Date.now();
  progress(`${what} (step ${place.step} of ${place.of}, about ${place.usualSeconds} s)`);
  const ticker = setInterval(() => {
    const elapsed = Math.round((Date.now() - start) / 1000);
    const left = place.usualSeconds - elapsed;
    progress(`${what}: ${elapsed} s so far, ${left > 0 ? `about ${left} s to go` : "longer than usual"}`);
  }, 10_000);
  try {
    return await work();
  } finally {
    clearInterval(ticker);
  }
}
