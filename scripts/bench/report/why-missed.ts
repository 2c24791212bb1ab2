/** Reasons, by aim, that are shown only where a result misses it. What a reason says was found by `--breakdown` or by looking. */
export const whyMissed: Readonly<Record<string, string>> = {};
