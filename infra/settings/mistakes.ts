import { z } from "zod";
import { Failure } from "../provider/failure.ts";
import { propertyPath } from "../provider/problems.ts";
import { canHoldSecret, isSecretThroughout, jsonWithoutSecrets, redacted, secretNames } from "./secrecy.ts";

/** One thing that is wrong in a stack's configuration. */
export interface Mistake {
  /** Path below its namespace: `server.host`, `firewall.management[0]`. */
  readonly path: string;
  /** @default the project's */
  readonly namespace?: string;
  /** What is wrong, what was given (never a secret's value), what is allowed. */
  readonly reason: string;
}

/** Everything that is wrong in a stack's configuration, at once. */
export class SettingsMistaken extends Failure {
  override readonly name = "SettingsMistaken";
  readonly mistakes: readonly Mistake[];

  constructor(stack: string, project: string, mistakes: readonly Mistake[]) {
    const count = mistakes.length === 1 ? "a mistake" : `${mistakes.length} mistakes`;
    super({
      what: `the configuration of stack ${stack} has ${count}; nothing was touched`,
      why: mistakes.map(({ path, reason, namespace = project }) => `${namespace}:${path} ${reason}`).join("\n"),
      remedy: `Edit Pulumi.${stack}.yaml; docs/settings.md describes each key.`,
    });
    this.mistakes = mistakes;
  }
}

/** What zod found wrong with the value of one top-level key. @param marked Whether the engine knows of a secret below it. */
export function mistakesIn(
  key: string,
  schema: z.ZodType,
  value: unknown,
  issues: readonly z.core.$ZodIssue[],
  marked: boolean,
): Mistake[] {
  const hidden = isSecretThroughout(value, marked);
  return issues.flatMap((issue) => {
    if (issue.code === "invalid_union") return mistakesIn(key, schema, value, likelyIssues(issue), marked);
    const path = [key, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      const allowed = Object.keys(fieldAt(schema, issue.path)?.properties ?? {}).sort();
      return issue.keys.map((extra) => ({
        path: propertyPath([...path, extra]),
        reason: `is not a setting; here are: ${allowed.join(", ")}`,
      }));
    }
    const field = fieldAt(schema, issue.path);
    const given = at(value, issue.path);
    if (given === undefined) return [{ path: propertyPath(path), reason: `is required: ${field?.description ?? ""}` }];
    const secret = hidden || path.some(isSecretName) || (marked && canHoldSecret(field));
    const shown = secret ? redacted : short(given);
    return [{ path: propertyPath(path), reason: `${allowedBy(issue)}; given: ${shown}` }];
  });
}

/** A setting as docs and messages know it: JSON Schema with the marks of ours. */
export interface Field {
  readonly description?: string;
  readonly secret?: boolean;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Field>>;
  readonly required?: readonly string[];
  readonly items?: Field;
  readonly additionalProperties?: Field | boolean;
  readonly anyOf?: readonly Field[];
  readonly oneOf?: readonly Field[];
  readonly const?: unknown;
}

/** The forms that a setting may have; itself, where it has one. */
export function formsOf(field: Field): readonly Field[] {
  return field.anyOf ?? field.oneOf ?? [field];
}

/** What a schema accepts, as data. */
export function fieldOf(schema: z.ZodType): Field {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Field;
}

function fieldAt(schema: z.ZodType, path: readonly PropertyKey[]): Field | undefined {
  return path.reduce<Field | undefined>((field, step) => {
    if (typeof step === "number") return { ...(field?.items ?? {}), ...described(field) };
    const more = typeof field?.additionalProperties === "object" ? field.additionalProperties : undefined;
    return field?.properties?.[String(step)] ?? more;
  }, fieldOf(schema));
}

function described(field: Field | undefined): Pick<Field, "description" | "secret"> {
  return {
    ...(field?.description === undefined ? {} : { description: field.description }),
    ...(field?.secret === undefined ? {} : { secret: field.secret }),
  };
}

/** Of several forms, the one that the value came closest to: the one whose first complaint lies deepest. */
function likelyIssues(union: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] {
  const depth = (issues: readonly z.core.$ZodIssue[]) => issues[0]?.path.length ?? 0;
  const custom = (issues: readonly z.core.$ZodIssue[]) => (issues[0]?.code === "invalid_type" ? 0 : 1);
  const [closest = []] = [...union.errors].sort((a, b) => depth(b) - depth(a) || custom(b) - custom(a));
  return closest.map((issue) => ({ ...issue, path: [...union.path, ...issue.path] }));
}

function allowedBy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${withArticle(issue.expected)}`;
    case "invalid_value":
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "too_small":
      return issue.origin === "array" || issue.origin === "string"
        ? "must not be empty"
        : `must be at least ${issue.inclusive === false ? "more than " : ""}${issue.minimum}`;
    case "too_big":
      return `must be at most ${issue.maximum}${issue.origin === "string" ? " characters long" : ""}`;
    case "invalid_key":
      return `has a name that ${issue.issues[0]?.message ?? "is not allowed"}`;
    default:
      return issue.message;
  }
}

const words: Readonly<Record<string, string>> = {
  string: "text",
  object: "an object",
  record: "an object",
  array: "a list",
  boolean: "true or false",
  number: "a number",
  int: "a whole number",
};

function withArticle(type: string): string {
  return words[type] ?? type;
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((inner, step) => (inner as Record<PropertyKey, unknown> | undefined)?.[step], value);
}

function isSecretName(step: PropertyKey): boolean {
  return secretNames.includes(String(step));
}

function short(value: unknown): string {
  const text = jsonWithoutSecrets(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
