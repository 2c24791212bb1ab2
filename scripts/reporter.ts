/** Where progress goes: a terminal, whose last line may be rewritten, or a log, which only grows. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Milliseconds between two lines of passing progress in a log. */
const logInterval = 15_000;

/** Shows a long step: lines that stay, and below them, on a terminal, one line that changes. Writes nothing to standard output. */
export class Reporter {
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  #passing = "";
  #lastLogged: number;

  constructor(stream: ProgressStream = process.stderr, now: () => number = Date.now) {
    this.#stream = stream;
    this.#now = now;
    this.#lastLogged = now();
  }

  /** A line that stays. */
  line(text: string): void {
    this.#erase();
    this.#stream.write(`${text}\n`);
    this.#lastLogged = this.#now();
    this.#redraw();
  }

  /** What is going on right now. A terminal shows the newest; a log gets one such line in 15 s, for its readers watch it grow. */
  passing(text: string): void {
    if (this.#stream.isTTY) {
      this.#erase();
      this.#passing = text;
      this.#redraw();
    } else if (this.#now() - this.#lastLogged >= logInterval) {
      this.line(text);
    }
  }

  /** Nothing is going on any more. */
  clear(): void {
    this.#erase();
    this.#passing = "";
  }

  #erase(): void {
    if (this.#passing !== "") this.#stream.write("\r\u001b[2K");
  }

  #redraw(): void {
    // A line that wraps could not be erased again.
    if (this.#passing !== "") this.#stream.write(this.#passing.slice(0, (this.#stream.columns ?? 80) - 1));
  }
}

/** `8 s`, `3 min 05 s`: how long something took or will take. */
export function describeSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}
