import { type Problem, Problems } from "./problems.ts";
import { type Bag, unknownKeys } from "./values.ts";

type Values = Readonly<Record<string, unknown>>;

/** Checks what is known already: what is not goes through as it is, and what is secret stays so and is not shown. */
export function checkKnown(
  given: Bag,
  check: (known: Values, problems: Problems) => object,
): { inputs: Bag; problems: readonly Problem[] } {
  const unknown = unknownKeys(given.values);
  const problems = new Problems(unknown, given.secrets);
  const known = Object.entries(given.values).filter(([key]) => !unknown.includes(key));
  const checked = check(Object.fromEntries(known), problems);
  const later = Object.fromEntries(unknown.map((key) => [key, given.values[key]]));
  return { inputs: { values: { ...checked, ...later }, secrets: given.secrets }, problems: problems.found };
}
