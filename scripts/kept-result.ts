import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ScriptError } from "./script-error.ts";

/** Keeps what a long measurement found, as JSON; makes the folder where it is not there. */
export async function keepResult(file: string, result: object): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(result, null, 1)}\n`);
}

/**
 * Reads what {@link keepResult} has kept.
 *
 * @throws ScriptError for a file that cannot be read or is no JSON
 */
export async function readKeptResult<Result>(file: string): Promise<Result> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Result;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ScriptError(
      "the earlier result could not be read",
      why,
      "give --from the file that a run has named",
      cause,
    );
  }
}
