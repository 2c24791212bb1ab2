import { Failure } from "./failure.ts";

/**
 * A failure to connect in a refresh, which takes the connection from the state: what the settings say now does not help
 * there, and nothing in the failure tells that it was not asked.
 */
export function ofLastRun(failure: unknown): unknown {
  if (!(failure instanceof Failure)) return failure;
  const { remedy, ...explanation } = failure.explanation;
  const hint =
    "This is the connection of the last run. If the settings have changed it since, add --run-program to the command.";
  return new Failure(
    { ...explanation, remedy: remedy === undefined ? hint : `${remedy}\n${hint}` },
    { cause: failure },
  );
}
