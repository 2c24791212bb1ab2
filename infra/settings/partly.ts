import { z } from "zod";

/** What of a value could be read, field by field: the same shape, without the fields that are mistaken. */
export type Partly<T> = T extends readonly unknown[] ? T : T extends object ? { [Key in keyof T]?: Partly<T[Key]> } : T;

/**
 * Reads as much of a value as its schema accepts, so that what depends on one field is also checked where another is
 * mistaken. A list is read whole or not at all; an entry of a record that is mistaken keeps what is right in it.
 */
export function readPartly<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): Partly<z.output<Schema>> | undefined {
  const whole = schema.safeParse(value);
  return (whole.success ? whole.data : fields(schema, value)) as Partly<z.output<Schema>> | undefined;
}

function fields(schema: z.core.$ZodType, value: unknown): Record<string, unknown> | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return fields(schema.unwrap(), value);
  }
  if (!isTree(value)) return undefined;
  if (schema instanceof z.ZodObject) {
    return known(Object.entries<z.ZodType>(schema.shape).map(([key, field]) => [key, readPartly(field, value[key])]));
  }
  if (schema instanceof z.ZodRecord) {
    const entry = schema.valueType as z.ZodType;
    return known(Object.entries(value).map(([key, inner]) => [key, readPartly(entry, inner) ?? {}]));
  }
  return undefined;
}

function known(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** Whether a value has keys, as an object in YAML has. */
export function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
