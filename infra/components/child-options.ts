import type { ComponentResourceOptions, CustomResourceOptions, Resource } from "@pulumi/pulumi";

/** The options of a component's children. */
export type ChildOptions = Pick<CustomResourceOptions, "parent" | "dependsOn">;

/**
 * Options that make a component's children wait for what the component waits for: the SDK hands on the provider, but not
 * `dependsOn`, and a child could be made before the server was looked at.
 */
export function childOptions(parent: Resource, { dependsOn }: ComponentResourceOptions = {}): ChildOptions {
  return dependsOn === undefined ? { parent } : { parent, dependsOn };
}
