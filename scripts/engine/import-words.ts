import type { Engine } from "./engine.ts";

/** Keeps `pulumi import` from writing a program, which the language host that we build cannot do. */
const withoutCode = "--generate-code=false";

/**
 * The words for the engine: those that were given, and for `import` under an engine that was built here a flag that lets it end well.
 * Without it the import is made and then ends with "method GenerateProgram not implemented" and exit code 1.
 */
export function wordsFor({ from }: Pick<Engine, "from">, args: readonly string[]): readonly string[] {
  const asked = args.some((word) => word.startsWith("--generate-code"));
  if (args[0] !== "import" || from !== "built from pinned Go modules" || asked) return args;
  return ["import", withoutCode, ...args.slice(1)];
}
