import * as pulumi from "@pulumi/pulumi";

/** A resource as the engine was asked to make it. */
export interface Made {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

/**
 * Runs a program against an engine that makes nothing. What it proves is what the program asks for, not that a host would
 * end up so; the end-to-end tests do that.
 *
 * @param outputs What a resource answers beside its inputs, by type.
 * @param making Called when a resource is asked for; the resource is made when it returns.
 */
export async function resourcesOf(
  program: () => void,
  outputs: Readonly<Record<string, Record<string, unknown>>> = {},
  making: (resource: Made, before: readonly Made[]) => Promise<void> = async () => {},
): Promise<Made[]> {
  const made: Made[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: async ({ type, name, inputs }) => {
        const resource = { type, name, inputs };
        made.push(resource);
        await making(resource, made);
        return { id: `${name}-id`, state: { ...inputs, ...outputs[type] } };
      },
      call: ({ inputs }) => inputs,
    },
    "os2mo-on-prem",
    "prod",
    false,
  );
  program();
  await pulumi.runtime.disconnect();
  return made;
}
