import type { Problems } from "../problems.ts";

/** Permissions of a file that holds a secret, where the program gives none: its owner alone. */
export const confidentialMode = "0600";

/** Reports a file that holds a secret and that every account of the host could read (design.md decision 5). */
export function checkConfidential(mode: string | undefined, path: readonly string[], problems: Problems): void {
  if (mode === undefined || (Number.parseInt(mode, 8) & 0o004) === 0) return;
  problems.add(path, `every account could read the secret in this file with mode ${mode}; allowed is at most 0660`);
}
