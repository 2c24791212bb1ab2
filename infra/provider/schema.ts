import { z } from "zod";

type JsonSchema = { [key: string]: unknown };

/** What the schema needs to know of a resource. */
export interface Described {
  readonly type: string;
  /** One sentence. */
  readonly summary: string;
  /** The inputs. */
  readonly fields: z.ZodRawShape;
}

/** Pulumi's package schema (pulumi.com/docs/iac/guides/building-extending/packages/schema), derived from the kinds' fields. */
export function packageSchema(name: string, version: string, kinds: readonly Described[]): string {
  const resources = Object.fromEntries(kinds.map((kind) => [kind.type, resourceSchema(kind)]));
  return JSON.stringify({ name, version, resources });
}

function resourceSchema(kind: Described) {
  const { properties, required } = inputSchema(kind.fields);
  return { description: kind.summary, inputProperties: properties, requiredInputs: required, properties, required };
}

function inputSchema(fields: z.ZodRawShape) {
  const json = z.toJSONSchema(z.object(fields), { io: "input", unrepresentable: "any" }) as JsonSchema;
  const properties = json.properties as Record<string, JsonSchema>;
  const typed = Object.entries(properties).map(([key, property]) => [key, typeSpec(property)]);
  return { properties: Object.fromEntries(typed), required: (json.required as string[] | undefined) ?? [] };
}

/** A JSON schema type as Pulumi's `TypeSpec`; what has no counterpart there is `Any`. */
function typeSpec(json: JsonSchema): JsonSchema {
  const description = json.description === undefined ? {} : { description: json.description };
  switch (json.type) {
    case "string":
    case "boolean":
    case "integer":
    case "number":
      return { type: json.type, ...description };
    case "array":
      return { type: "array", items: typeSpec((json.items as JsonSchema | undefined) ?? {}), ...description };
    case "object":
      return { type: "object", additionalProperties: additional(json.additionalProperties), ...description };
    default:
      return { $ref: "pulumi.json#/Any", ...description };
  }
}

function additional(json: unknown): JsonSchema {
  return typeof json === "object" && json !== null ? typeSpec(json as JsonSchema) : { $ref: "pulumi.json#/Any" };
}
