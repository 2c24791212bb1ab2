/** The variable that carries a command's text: unlike an argument, nobody else on the machine can read it. */
const variable = "PULUMI_COMMAND_TEXT";

/** The text of a shell's `-c` that becomes the command of the variable, which the command itself does not find any more. */
const becomeCommand = `eval "unset ${variable}\n$${variable}"`;

/** A command line for sh(1) as words and environment that show it to nobody. `before` is shell text that comes first. */
export function shell(text: string, before = "") {
  return { argv: ["/bin/sh", "-c", `${before}${becomeCommand}`] as const, env: { [variable]: text } };
}
