import { expect } from "vitest";
import type { MachineStatus } from "../../../lab/status.ts";
import { within } from "../on-lab.ts";
import type { Declared } from "../project/index.ts";
import type { Run, Stack } from "../stack.ts";

/** Puts a server into trouble by a shell script, and out of it by another, whatever becomes of the case: `await using`. */
export async function trouble(server: MachineStatus, script: string, undo: string): Promise<AsyncDisposable> {
  const end = async () => void (await within(server, undo));
  try {
    await within(server, script);
  } catch (error) {
    await end().catch(() => undefined);
    throw error;
  }
  return { [Symbol.asyncDispose]: end };
}

/** The one error of a run that failed, as the user reads it but for the engine's own words around it; its lines without indent. */
export function onlyError({ code, errors }: Run): string[] {
  expect({ errors, failed: code !== 0 }).toEqual({ errors: [expect.any(String)], failed: true });
  const text = (errors[0] ?? "").replace(/^1 error occurred:\n\t\* /, "").trimEnd();
  return text.split("\n").map((line) => line.trim());
}

/** After the trouble: one update brings everything into agreement, without an error; the next finds nothing to do. */
export async function converges(stack: Stack, resources: Declared[]): Promise<Run> {
  const first = await stack.up(resources);
  expect({ code: first.code, errors: first.errors }).toEqual({ code: 0, errors: [] });
  const second = await stack.up(resources);
  expect({ code: second.code, changes: second.changes, errors: second.errors }).toEqual({
    code: 0,
    changes: {},
    errors: [],
  });
  return first;
}

/** Temporary files of ours on a server, in its file system and in those mounted at the given folders as well. */
export async function leftovers(server: MachineStatus, ...folders: string[]): Promise<string> {
  const places = ["/", "/run", ...folders].join(" ");
  return within(server, `find ${places} -xdev -name '.onprem-*' -print`);
}

/** Milliseconds in seconds with one digit, for what was seen. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
