import { z } from "zod";
import type { Problems } from "./problems.ts";
import { LocalFile } from "./step.ts";

/** An absolute path without `.` and `..`, as POSIX allows it (no NUL byte), at most 4,095 bytes (PATH_MAX). */
export const absolutePath = z
  .string()
  .regex(/^\//, "must be an absolute path")
  .refine((path) => !path.includes("\0"), "must not hold a NUL byte")
  .refine((path) => path === "/" || !path.endsWith("/"), "must not end in a slash")
  .refine(
    (path) =>
      !path
        .split("/")
        .slice(1)
        .some((part) => part === "." || part === ".." || (part === "" && path !== "/")),
    "must not hold '.', '..' or an empty part",
  )
  .refine((path) => Buffer.byteLength(path) < 4096, "must be shorter than 4,096 bytes");

/** A mode in octal; `644` and `0644` mean the same and become `0644`. */
export const fileMode = z
  .string()
  .regex(/^[0-7]{3,4}$/, 'must be three or four octal digits, such as "0644"')
  .transform((mode) => mode.padStart(4, "0"));

/** An account or group name as useradd(8) accepts it on Debian: no leading dash, no colon, white space or slash. */
export const accountName = z
  .string()
  .regex(
    /^[a-z_][a-z0-9_.-]{0,31}$/,
    "must be an account name of at most 32 characters: a-z, 0-9, _ . -, not beginning with a digit, dot or dash",
  );

/** A file on the machine where Pulumi runs, given as an asset. */
export const localFile = z.instanceof(LocalFile, { error: "must be a pulumi.asset.FileAsset" });

/**
 * A `check` from fields: each property is parsed on its own, so that one mistake hides no other and a value that is not
 * known yet leaves the rest checked. `more` looks across properties.
 */
export function byFields<Want extends object>(fields: z.ZodRawShape, more?: (want: Want, problems: Problems) => void) {
  return (given: Partial<Want>, problems: Problems): Want => {
    const values = given as Record<string, unknown>;
    const want: Record<string, unknown> = {};
    for (const key of Object.keys(values).filter((key) => !Object.hasOwn(fields, key))) {
      problems.add([key], `unknown property; allowed are ${Object.keys(fields).sort().join(", ")}`);
    }
    for (const [key, field] of Object.entries(fields)) {
      if (problems.isUnknown(key)) continue;
      const parsed = (field as z.ZodType).safeParse(values[key]);
      if (parsed.success) {
        if (parsed.data !== undefined) want[key] = parsed.data;
      } else {
        for (const issue of parsed.error.issues) report(key, values[key], issue, problems);
      }
    }
    more?.(want as Want, problems);
    return want as Want;
  };
}

/** Inputs as an earlier version of this program has left them in a state, with the defaults of what came since. */
export function withDefaults(
  fields: z.ZodRawShape,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const missing = Object.entries(fields).flatMap(([key, field]): [string, unknown][] => {
    if (values[key] !== undefined) return [];
    const { success, data } = (field as z.ZodType).safeParse(undefined);
    return success && data !== undefined ? [[key, data]] : [];
  });
  return { ...values, ...Object.fromEntries(missing) };
}

function report(key: string, value: unknown, issue: z.core.$ZodIssue, problems: Problems): void {
  const path = [key, ...issue.path];
  const at = issue.path.reduce<unknown>(
    (inner, step) => (inner as Record<PropertyKey, unknown> | undefined)?.[step],
    value,
  );
  if (value === undefined) {
    problems.add(path, "is required");
    return;
  }
  if (issue.code === "unrecognized_keys") {
    for (const extra of issue.keys) problems.add([...path, extra], "unknown property");
    return;
  }
  if (issue.code === "invalid_key") {
    for (const { message } of issue.issues) problems.add(path, `${message}; given as a key`);
    return;
  }
  const given = at === undefined ? "" : `; given: ${problems.isSecret(key) ? "[secret]" : shown(at)}`;
  problems.add(path, `${issue.message}${given}`);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
