import { createHash } from "node:crypto";
import type { Host } from "./host/host.ts";
import { type RunStep, run } from "./step.ts";

/**
 * What was begun on a host and is in no state yet. A creation of several steps leaves a note there before the first one and
 * takes it away after the last. A run that was killed in between could tell nobody; by the note the next one knows that what
 * stands there half-made is its own, and what was there before.
 */
export interface Begun {
  /** What the kind had to remember when the creation began. */
  readonly memory: object | undefined;
}

/** Where the notes are; only root may read them. */
const folder = "/var/lib/onprem/begun";

/**
 * Where the note for one thing is: the resource's URN, which names stack, project and type, and its id in Pulumi's state. What
 * one stack left half-made is never taken for another's.
 */
export function begunAt(urn: string, id: string): string {
  return `${folder}/${createHash("sha256").update(`${urn} ${id}`).digest("hex")}`;
}

/** Looks for a note. One that cannot be read was still left by a creation that had begun. */
export async function findBegun(host: Pick<Host, "inspect">, path: string): Promise<Begun | undefined> {
  const [seen] = await host.inspect(path, { content: 1024 * 1024 });
  if (seen?.type !== "file") return undefined;
  try {
    const { memory } = JSON.parse(new TextDecoder().decode(seen.content)) as { memory?: object };
    return { memory };
  } catch {
    return { memory: undefined };
  }
}

/** On the disk before anything else is: a power cut must not keep the change and lose the note. */
const beginScript = `umask 077
mkdir -p "\${1%/*}"
cat >"$1.new"
sync "$1.new"
mv -f "$1.new" "$1"
sync "\${1%/*}"`;

const forgetScript = `rm -f -- "$1"
rmdir --ignore-fail-on-non-empty -- "\${1%/*}" "$(dirname "\${1%/*}")" 2>/dev/null || :`;

/** The step before the first one. */
export function begin(path: string, memory: object | undefined): RunStep {
  const stdin = JSON.stringify(memory === undefined ? {} : { memory });
  return run("note what is begun", ["sh", "-euc", beginScript, "sh", path], { stdin });
}

/** The step after the last one. */
export function forget(path: string): RunStep {
  return run("forget what was begun", ["sh", "-euc", forgetScript, "sh", path]);
}
