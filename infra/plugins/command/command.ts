import type { z } from "zod";
import { byFields } from "../../provider/fields.ts";
import type { Output } from "../../provider/host/host.ts";
import type { Bag, Path } from "../../provider/values.ts";
import type { Action, Occasion } from "./action.ts";
import type { CommandInputs } from "./inputs.ts";
import { commandFailed, holdsSecret, trimmed } from "./outcome.ts";

/** One run of a command. */
export interface Order<Inputs> {
  readonly inputs: Inputs;
  /** The command line for a shell. */
  readonly text: string;
  readonly env: Readonly<Record<string, string>>;
  /** What it is for, in errors: `run the create command`. */
  readonly title: string;
  readonly occasion: Occasion;
}

/** Carries a command out somewhere. Any exit code is an answer. */
export type Runner<Inputs> = (order: Order<Inputs>) => Promise<Output & { readonly where: string }>;

const results = ["stdout", "stderr"];

/** A command with the life of the official plugin's: `create` once, `update` or else `create` when an input changes, `delete` at the end. */
export function commandAction<Inputs extends CommandInputs>(
  described: { readonly type: string; readonly summary: string; readonly fields: z.ZodRawShape },
  run: Runner<Inputs>,
): Action {
  const inputsOf = ({ inputs }: Occasion) => inputs.values as unknown as Inputs;

  const carryOut = async (text: string, which: string, occasion: Occasion): Promise<Bag> => {
    const inputs = inputsOf(occasion);
    const env = { ...inputs.environment, ...previousOutput(inputs, occasion.outputs) };
    const output = await run({ inputs, text, env, title: `run the ${which} command`, occasion });
    const secret = results.filter((name) => holdsSecret(output[name as "stdout" | "stderr"], occasion.inputs));
    if (output.code !== 0) {
      throw commandFailed(`the ${which} command failed on ${output.where}`, output, secret.length > 0);
    }
    log(inputs, output, secret, occasion);
    return outputs(occasion.inputs, trimmed(output.stdout), trimmed(output.stderr), secret);
  };

  return {
    ...described,
    results,
    idPrefix: (name) => name,
    check: byFields(described.fields),
    async create(occasion) {
      const { create } = inputsOf(occasion);
      return create === undefined ? outputs(occasion.inputs, "", "", []) : carryOut(create, "create", occasion);
    },
    async update(occasion) {
      const { create, update } = inputsOf(occasion);
      if (update !== undefined) return carryOut(update, "update", occasion);
      if (create !== undefined) return carryOut(create, "create", occasion);
      const { stdout, stderr } = occasion.outputs.values;
      return outputs(occasion.inputs, stdout, stderr, occasion.outputs.secrets.map(String));
    },
    async remove(occasion) {
      const { delete: text } = inputsOf(occasion);
      if (text !== undefined) await carryOut(text, "delete", occasion);
    },
  };
}

/** The last run's output, for the next one's environment; nothing where it was empty. */
function previousOutput(inputs: CommandInputs, { values }: Bag): Record<string, string> {
  if (inputs.addPreviousOutputInEnv === false) return {};
  const { stdout, stderr } = values;
  return {
    ...(typeof stdout === "string" && stdout !== "" ? { PULUMI_COMMAND_STDOUT: stdout } : {}),
    ...(typeof stderr === "string" && stderr !== "" ? { PULUMI_COMMAND_STDERR: stderr } : {}),
  };
}

function outputs(inputs: Bag, stdout: unknown, stderr: unknown, secret: readonly string[]): Bag {
  const marked: Path[] = results.filter((name) => secret.includes(name)).map((name) => [name]);
  return { values: { ...inputs.values, stdout, stderr }, secrets: [...inputs.secrets, ...marked] };
}

function log(
  { logging = "stdoutAndStderr" }: CommandInputs,
  output: Output,
  secret: string[],
  { say }: Occasion,
): void {
  for (const name of ["stdout", "stderr"] as const) {
    const text = output[name].trimEnd();
    if (text === "" || (logging !== name && logging !== "stdoutAndStderr")) continue;
    say("info", secret.includes(name) ? `[${name} may hold a secret]` : text);
  }
}
