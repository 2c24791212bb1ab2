import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { ScriptError } from "../script-error.ts";
import { parseYaml } from "../yaml.ts";

/** The part of a stack's settings that leads to a server. All else is read, and judged, by `infra/settings.ts`. */
const endpoint = {
  host: z.string().min(1),
  port: z.int().min(1).max(65535).optional(),
  hostKey: z.union([z.string(), z.array(z.string())]).optional(),
};
const login = { user: z.string().optional(), privateKeyFile: z.string().optional(), agent: z.string().optional() };
const server = z.object({
  ...endpoint,
  jump: z
    .object({ ...endpoint, ...login, privateKey: z.unknown().optional(), passphrase: z.unknown().optional() })
    .optional(),
});

/** Where a server is, and which keys are recorded for it. */
export type Target = z.output<typeof server>;

/** Whose key: the server's, or that of the host on the way to it. */
export type Whose = "server" | "jump";

const namespace = "os2mo-on-prem:server";

/** How a stack file leads to its server. Throws {@link ScriptError}, naming the file and the key. */
export function readTarget(text: string, file: string): Target {
  let document: unknown;
  try {
    document = parseYaml(text);
  } catch (error) {
    throw new ScriptError(`${file} is no YAML`, String((error as Error).message).split("\n")[0]);
  }
  const config = (document as { config?: Record<string, unknown> } | null | undefined)?.config;
  const read = server.safeParse(config?.[namespace]);
  if (read.success) return read.data;
  const where = read.error.issues[0]?.path.join(".") ?? "";
  throw new ScriptError(
    `${file} does not say which server to trust`,
    `config."${namespace}"${where === "" ? "" : `.${where}`} is missing or is nothing that can be used`,
    "write the server's address there first, as the comments in the file show",
  );
}

/**
 * The file's text with a host key recorded, and not a byte of it changed elsewhere. The result is read again before it is trusted; a file in a
 * form that this cannot edit gets an error with the line to put in by hand.
 */
export function recordHostKey(text: string, file: string, whose: Whose, line: string): string {
  const path = ["config", namespace, ...(whose === "jump" ? ["jump"] : [])];
  const edited = setBelow(text, path, "hostKey", line);
  if (edited !== undefined && isDeepStrictEqual(parseYaml(edited), expected(text, path, line))) return edited;
  throw new ScriptError(
    `${file} could not be edited`,
    `the ${whose}'s settings are not written one key a line`,
    `put this key there by hand: hostKey: ${line}`,
  );
}

function expected(text: string, path: readonly string[], line: string): unknown {
  const document = parseYaml(text) as Record<string, unknown>;
  const mapping = path.reduce((at, key) => at[key] as Record<string, unknown>, document);
  mapping.hostKey = line;
  return document;
}

/** Set one key of the block mapping at `path`; after `host` where the key is new. `undefined` where that mapping is not found. */
function setBelow(text: string, path: readonly string[], key: string, value: string): string | undefined {
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = text.split(newline);
  let region: Region | undefined = { first: 0, end: lines.length };
  for (const name of path) region = region && below(lines, region, name);
  if (region === undefined) return undefined;
  const there = entry(lines, region, key);
  if (there !== undefined) {
    const [, start = "", comment = ""] = /^(\s*[^\s#]+\s*:)[^#]*?(\s+#.*)?$/.exec(lines[there.first] ?? "") ?? [];
    lines.splice(there.first, there.end - there.first, `${start} ${value}${comment}`);
    return lines.join(newline);
  }
  const host = entry(lines, region, "host");
  if (host === undefined) return undefined;
  const indent = /^\s*/.exec(lines[host.first] ?? "")?.[0] ?? "";
  lines.splice(host.end, 0, `${indent}${key}: ${value}`);
  return lines.join(newline);
}

/** Lines from `first` up to but without `end`. */
interface Region {
  readonly first: number;
  readonly end: number;
}

/** The lines of the mapping that stands below a key. */
function below(lines: readonly string[], region: Region, key: string): Region | undefined {
  const found = entry(lines, region, key);
  if (found === undefined || !/:\s*(#.*)?$/.test(lines[found.first] ?? "")) return undefined;
  return { first: found.first + 1, end: found.end };
}

/** The lines of one key of a block mapping: its own, and those of its value, without blank lines and comments that follow it. */
function entry(lines: readonly string[], region: Region, key: string): Region | undefined {
  const filled = range(region).filter((index) => !/^\s*(#|$)/.test(lines[index] ?? ""));
  const indent = filled.length === 0 ? 0 : indentOf(lines[filled[0] ?? 0]);
  const isKey = (index: number) => indentOf(lines[index]) === indent && !/^\s*-(\s|$)/.test(lines[index] ?? "");
  const first = filled.find((index) => isKey(index) && keyOf(lines[index] ?? "") === key);
  if (first === undefined) return undefined;
  const next = filled.find((index) => index > first && isKey(index)) ?? region.end;
  const last = filled.findLast((index) => index < next && index >= first) ?? first;
  return { first, end: last + 1 };
}

function range({ first, end }: Region): number[] {
  return Array.from({ length: end - first }, (_, offset) => first + offset);
}

function indentOf(line: string | undefined): number {
  return /^\s*/.exec(line ?? "")?.[0].length ?? 0;
}

function keyOf(line: string): string | undefined {
  const match = /^\s*(?:"([^"]*)"|'([^']*)'|([^\s#"'][^#]*?))\s*:(?:\s|$)/.exec(line);
  return match?.[1] ?? match?.[2] ?? match?.[3];
}
