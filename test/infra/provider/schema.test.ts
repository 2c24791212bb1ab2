import { expect, test } from "vitest";
import { z } from "zod";
import { allKinds, kinds } from "../../../infra/provider/kinds.ts";
import { packageSchema } from "../../../infra/provider/schema.ts";
import { noteKind } from "./notes.ts";

test("types, requirements and descriptions come from the fields", () => {
  const kind = {
    ...noteKind,
    fields: {
      note: z.string().describe("Its name."),
      count: z.number().int().default(1),
      share: z.number().optional(),
      on: z.boolean().optional(),
      tags: z.array(z.string()).optional(),
      files: z.record(z.string(), z.object({ mode: z.string() })).optional(),
      either: z.union([z.string(), z.number()]).optional(),
    },
  };
  const properties = {
    note: { type: "string", description: "Its name." },
    count: { type: "integer" },
    share: { type: "number" },
    on: { type: "boolean" },
    tags: { type: "array", items: { type: "string" } },
    files: { type: "object", additionalProperties: expect.anything() },
    either: { $ref: "pulumi.json#/Any" },
  };
  expect(JSON.parse(packageSchema("onprem", "1.2.3", [kind]))).toEqual({
    name: "onprem",
    version: "1.2.3",
    resources: {
      "onprem:test:Note": {
        description: "A note.",
        inputProperties: properties,
        requiredInputs: ["note"],
        properties,
        required: ["note"],
      },
    },
  });
});

test("every kind of the plugin has a schema, under the type that loads it", async () => {
  const { resources } = JSON.parse(packageSchema("onprem", "1.2.3", await allKinds()));
  expect(Object.keys(resources).sort()).toEqual(Object.keys(kinds).sort());
});
