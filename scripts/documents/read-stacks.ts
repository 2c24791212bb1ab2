import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { projectFolder } from "../engine/environment.ts";
import { ScriptError } from "../script-error.ts";

/** What of a stack's settings says whose server it is, and by which name. */
interface Named {
  readonly customer: { readonly name: string };
  readonly server: { readonly hostname: string };
}

/**
 * The settings of some stacks, which must be one customer's servers, each with a name of its own (DNS-7). The mistakes of all are told
 * together.
 *
 * @param files By stack.
 */
export async function readStacks<Read extends Named>(
  files: ReadonlyMap<string, string>,
  readFrom: (stack: string, text: string, file: string) => Read,
): Promise<Read[]> {
  if (files.size === 0) throw new ScriptError("there is no stack", `${projectFolder} holds no Pulumi.STACK.yaml`);
  const read: Read[] = [];
  const servers = new Map<string, string[]>();
  const problems: Error[] = [];
  for (const [stack, file] of files) {
    try {
      const text = await readFile(file, "utf8").catch((cause) => {
        throw new ScriptError(`the stack ${stack} could not be read`, (cause as Error).message, undefined, cause);
      });
      const settings = readFrom(stack, text, basename(file));
      read.push(settings);
      servers.set(settings.server.hostname, [...(servers.get(settings.server.hostname) ?? []), stack]);
    } catch (error) {
      problems.push(error as Error);
    }
  }
  const [first] = problems;
  if (problems.length === 1 && first !== undefined) throw first;
  if (problems.length > 1) throw new ScriptError(problems.map(({ message }) => message).join("\n"));
  const customers = [...new Set(read.map(({ customer }) => customer.name))];
  if (customers.length > 1) {
    throw new ScriptError(
      "the stacks belong to more than one customer",
      customers.join(", "),
      "name the stacks of one: npm run documents -- STACK...",
    );
  }
  const shared = [...servers].filter(([, stacks]) => stacks.length > 1);
  if (shared.length > 0) {
    throw new ScriptError(
      "stacks share a server's name (DNS-7)",
      shared.map(([hostname, stacks]) => `${stacks.join(" and ")}: ${hostname}`).join("; "),
      "give each its own: server.hostname, or environment, from which it follows",
    );
  }
  return read;
}
