import { createRequire } from "node:module";
import type { CustomResource, CustomResourceOptions, Input, Output } from "@pulumi/pulumi";

/** The arguments of a kind as a program may give them: each value, at any depth, may be an output of another resource. */
export type Inputs<Args> = { [Key in keyof Args]: DeepInput<Args[Key]> };

type DeepInput<Value> = Value extends (infer Item)[]
  ? Input<DeepInput<Item>[]>
  : Value extends Output<unknown>
    ? Value
    : Value extends object
      ? Input<{ [Key in keyof Value]: DeepInput<Value[Key]> }>
      : Input<Value>;

/**
 * The environment variable that the plugin's start script sets. In the plugin only the kinds are needed, and loading the
 * SDK for the classes beside them would cost half a second per server.
 */
const inPlugin = process.env.ONPREM_PLUGIN !== undefined;

const sdk = inPlugin
  ? undefined
  : (createRequire(import.meta.url)("@pulumi/pulumi") as typeof import("@pulumi/pulumi"));

const Base: typeof CustomResource = sdk?.CustomResource ?? (class {} as unknown as typeof CustomResource);

/** An argument that is always a secret, also where the program gives it in plain. */
export function asSecret<Given>(given: Given): Given {
  return sdk?.secret(given) as Given;
}

/**
 * The SDK notes a stack trace for each of its promises, dozens for a resource, and has each frame mapped back to the source
 * that it was compiled from. Here nothing is compiled: Node takes the types out and leaves every line and column where it
 * is. The mapping found nothing and took a third of the whole run at 1,800 resources.
 */
function useNodesStackTraces(): void {
  // What the SDK puts there (source-map-support, ts-node) it puts there before it loads the program.
  Reflect.deleteProperty(Error, "prepareStackTrace");
  // Node's own; the SDK's TypeScript raises it to 100.
  Error.stackTraceLimit = 10;
}

if (!inPlugin) useNodesStackTraces();

/** The base of the classes that a program uses. Each names its type and the outputs that are not inputs; nothing more. */
export abstract class HostResource<Args extends object> extends Base {
  /**
   * @param type The kind's type token.
   * @param outputs Names of the outputs that the host adds to the arguments.
   */
  constructor(
    type: `onprem:${string}:${string}`,
    name: string,
    args: Inputs<Args> | undefined,
    outputs: readonly string[],
    options: CustomResourceOptions = {},
  ) {
    const absent = Object.fromEntries(outputs.map((output) => [output, undefined]));
    // What is made anew has the same place on the host: deleting second would take away what was just made (`pulumi up --replace`).
    super(type, name, { ...absent, ...args }, { deleteBeforeReplace: true, ...options });
  }
}
