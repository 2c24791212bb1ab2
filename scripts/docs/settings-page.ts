import type { z } from "zod";
import { type Field, fieldOf, formsOf } from "../../infra/settings/mistakes.ts";
import { code, table } from "./markdown.ts";

const head = `# Settings

Written by \`npm run docs\` from \`infra/settings/\`; do not edit. They stand in \`Pulumi.STACK.yaml\` below \`config:\`, each top-level
key with the project's name before it. \`pulumi preview\` reports every mistake at once, unknown keys too, before it connects to
anything. A secret is set with \`pulumi config set --secret --path KEY\`, and is never shown.`;

/** The page about a stack's configuration: a section for each top-level key. */
export function settingsPage(namespace: string, schemas: Readonly<Record<string, z.ZodType>>): string {
  const sections = Object.entries(schemas).map(([key, schema]) => {
    const field = fieldOf(schema);
    const rows = field.properties === undefined ? [row(key, field, false)] : fieldRows(field, "");
    return [`## ${namespace}:${key}`, field.description ?? "", table(["Key", "Type", "What", "Default"], rows)].join(
      "\n\n",
    );
  });
  return `${[head, ...sections].join("\n\n")}\n`;
}

function fieldRows(field: Field, before: string): string[][] {
  return Object.entries(field.properties ?? {}).flatMap(([name, inner]) => {
    const path = `${before}${name}`;
    const required = field.required?.includes(name) ?? false;
    const each =
      typeof inner.additionalProperties === "object" ? fieldRows(inner.additionalProperties, `${path}.NAME.`) : [];
    return [row(path, inner, required), ...formsOf(inner).flatMap((form) => formRows(form, path)), ...each];
  });
}

/** The fields of one form of several are those of its kind. */
function formRows(form: Field, path: string): string[][] {
  const kind = form.properties?.kind?.const;
  if (kind === undefined) return fieldRows(form, `${path}.`);
  const { kind: _, ...properties } = form.properties ?? {};
  return [
    [code(`${path}.kind`), code(JSON.stringify(kind)), form.description ?? "", ""],
    ...fieldRows({ ...form, properties }, `${path}.`),
  ];
}

function row(path: string, field: Field, required: boolean): string[] {
  const fallback = field.default === undefined ? (required ? "required" : "") : code(JSON.stringify(field.default));
  return [required ? `**${code(path)}**` : code(path), typeName(field), field.description ?? "", fallback];
}

function typeName(field: Field): string {
  if (field.secret) return "secret text";
  if (field.enum !== undefined) return field.enum.map((value) => code(JSON.stringify(value))).join(" or ");
  if (field.anyOf !== undefined) return [...new Set(field.anyOf.map(typeName))].join(" or ");
  if (field.items !== undefined) return `list of ${typeName(field.items)}`;
  const names: Readonly<Record<string, string>> = {
    string: "text",
    integer: "whole number",
    number: "number",
    boolean: "`true` or `false`",
    object: "object",
  };
  return names[field.type ?? ""] ?? "";
}
