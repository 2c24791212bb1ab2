/** Seconds after which a step that still runs is told of, and seconds between one notice and the next. */
export const pace = { first: 10, next: 30 };

/** Waits for work, and tells every while that it goes on; `tell` gets the seconds so far. Its own failure is no matter. */
export async function toldWhile<Result>(
  work: Promise<Result>,
  tell: (seconds: number) => Promise<void>,
  { first, next } = pace,
): Promise<Result> {
  const began = performance.now();
  let [timer, over]: [NodeJS.Timeout | undefined, boolean] = [undefined, false];
  const later = (seconds: number) => {
    timer = setTimeout(async () => {
      await tell(Math.round((performance.now() - began) / 1000)).catch(() => undefined);
      if (!over) later(next);
    }, seconds * 1000);
  };
  later(first);
  try {
    return await work;
  } finally {
    over = true;
    clearTimeout(timer);
  }
}
