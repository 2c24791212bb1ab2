import { setTimeout as sleep } from "node:timers/promises";

/** How long a certificate authority is waited for. Milliseconds. */
export interface Patience {
  /**
   * How many times one question is asked, where it gets no answer or the authority is out of order.
   *
   * @default 5
   */
  readonly tries: number;
  /**
   * Before it is asked again; twice as long each time.
   *
   * @default 1000
   */
  readonly pause: number;
  /**
   * The longest pause. An authority that asks for a longer one, before it answers at all, is given up at once.
   *
   * @default 60000
   */
  readonly longestPause: number;
  /**
   * For one answer.
   *
   * @default 60000
   */
  readonly answer: number;
  /**
   * For the authority's work: until it has looked for all challenges, and again until it has issued.
   *
   * @default 300000
   */
  readonly work: number;
}

export const patient: Patience = { tries: 5, pause: 1000, longestPause: 60_000, answer: 60_000, work: 300_000 };

/** @throws the signal's reason */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** What comes of it, or the signal's reason, whichever is first. What was begun goes on unheard. */
export async function unlessAborted<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([work(), promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** When a Retry-After header says (RFC 9110, section 10.2.3): seconds, or a date. */
export function retryAfter(header: string | undefined, now: Date): Date | undefined {
  const text = header?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return new Date(now.getTime() + Number(text) * 1000);
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : new Date(time);
}
