/** What a field holds; `struct` is google.protobuf.Struct, as plain values. `of` is for repeated fields. */
export type Field = "bool" | "int" | "double" | "string" | "bytes" | "struct" | { readonly of: "string" | Shape };

/** Number and content of each field, by the name that we give it; ascending. */
export interface Shape {
  readonly [name: string]: readonly [number, Field];
}

/** The messages of pulumi/proto/pulumi/provider.proto and plugin.proto, as far as we read and write them. */
const call: Shape = { id: [1, "string"], urn: [2, "string"] };

export const pluginInfo: Shape = { version: [1, "string"] };
export const schemaResponse: Shape = { schema: [1, "string"] };
export const invokeRequest: Shape = { token: [1, "string"] };

export const checkRequest: Shape = { urn: [1, "string"], news: [3, "struct"] };
const checkFailure: Shape = { property: [1, "string"], reason: [2, "string"] };
export const checkResponse: Shape = { inputs: [1, "struct"], failures: [2, { of: checkFailure }] };

export const diffRequest: Shape = { ...call, olds: [3, "struct"], news: [4, "struct"], oldInputs: [6, "struct"] };
const propertyDiff: Shape = { kind: [1, "int"], inputDiff: [2, "bool"] };
export const diffResponse: Shape = {
  replaces: [1, { of: "string" }],
  deleteBeforeReplace: [3, "bool"],
  changes: [4, "int"],
  diffs: [5, { of: "string" }],
  // A map on the wire is a list of pairs.
  detailedDiff: [6, { of: { key: [1, "string"], value: [2, { of: propertyDiff }] } }],
  hasDetailedDiff: [7, "bool"],
};
/** `DiffResponse.DiffChanges`. */
export const changes = { none: 1, some: 2 } as const;
/** `PropertyDiff.Kind`. */
export const diffKinds = { add: 0, delete: 2, update: 4 } as const;
/** The same for a property whose change replaces the resource. */
export const replacingKinds = { add: 1, delete: 3, update: 5 } as const;

export const configureRequest: Shape = { args: [2, "struct"] };
export const configureResponse: Shape = { acceptSecrets: [1, "bool"], supportsPreview: [2, "bool"] };

export const createRequest: Shape = {
  urn: [1, "string"],
  properties: [2, "struct"],
  timeout: [3, "double"],
  preview: [4, "bool"],
};
export const createResponse: Shape = { id: [1, "string"], properties: [2, "struct"] };

export const readRequest: Shape = {
  ...call,
  properties: [3, "struct"],
  inputs: [4, "struct"],
  timeout: [10, "double"],
};
export const readResponse: Shape = { id: [1, "string"], properties: [2, "struct"], inputs: [3, "struct"] };

export const updateRequest: Shape = {
  ...call,
  olds: [3, "struct"],
  news: [4, "struct"],
  timeout: [5, "double"],
  preview: [7, "bool"],
  oldInputs: [8, "struct"],
};
export const updateResponse: Shape = { properties: [1, "struct"] };

export const deleteRequest: Shape = {
  ...call,
  properties: [3, "struct"],
  timeout: [4, "double"],
  oldInputs: [5, "struct"],
};

export const initFailed: Shape = {
  id: [1, "string"],
  properties: [2, "struct"],
  reasons: [3, { of: "string" }],
  inputs: [4, "struct"],
};
const anyMessage: Shape = { type: [1, "string"], value: [2, "bytes"] };
/** google.rpc.Status, which a failed call carries its details in. */
export const status: Shape = { code: [1, "int"], message: [2, "string"], details: [3, { of: anyMessage }] };

export const empty: Shape = {};
