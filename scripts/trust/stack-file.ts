import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { ScriptError } from "../script-error.ts";
import { parseYaml } from "../yaml.ts";

/** The part of a stack's settings that leads to its hosts. All else is read, and judged, by `infra/settings.ts`. */
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
const vendors = z.object(endpoint).optional();

/** Where each of a stack's hosts is, and which keys are recorded for it: the server, and those that the file names. */
export type Targets = z.output<typeof server> & { hub?: z.output<typeof vendors>; master?: z.output<typeof vendors> };

/** Whose key: that of the host on the way to the server, the server's, or that of a host of the vendor's. */
export const hosts = ["jump", "server", "hub", "master"] as const;
export type Whose = (typeof hosts)[number];

/** The mapping that leads to each host, below `config`. */
const places: Record<Whose, readonly [string, ...string[]]> = {
  jump: ["os2mo-on-prem:server", "jump"],
  server: ["os2mo-on-prem:server"],
  hub: ["os2mo-on-prem:vpn", "wireguard", "hub", "login"],
  master: ["os2mo-on-prem:management", "salt", "login"],
};

/** How a stack file leads to its hosts. Throws {@link ScriptError}, naming the file and the key. */
export function readTargets(text: string, file: string): Targets {
  let document: unknown;
  try {
    document = parseYaml(text);
  } catch (error) {
    throw new ScriptError(`${file} is no YAML`, String((error as Error).message).split("\n")[0]);
  }
  const read = <Shape>(schema: z.ZodType<Shape>, whose: Whose): Shape => {
    const [namespace, ...path] = places[whose];
    const inside = ["config", namespace, ...path].reduce<unknown>(
      (at, key) => (at as Record<string, unknown> | null | undefined)?.[key],
      document,
    );
    const { success, data, error } = schema.safeParse(inside);
    if (success) return data;
    const where = [...path, ...(error.issues[0]?.path ?? [])].map((key) => `.${String(key)}`).join("");
    throw new ScriptError(
      `${file} does not say which ${whose} to trust`,
      `config."${namespace}"${where} is missing or is nothing that can be used`,
      `write the ${whose}'s address there first, as docs/settings.md shows`,
    );
  };
  return { ...read(server, "server"), hub: read(vendors, "hub"), master: read(vendors, "master") };
}

/**
 * The file's text with a host key recorded, and not a byte of it changed elsewhere. The result is read again before it is trusted; a file in a
 * form that this cannot edit gets an error with the line to put in by hand.
 */
export function recordHostKey(text: string, file: string, whose: Whose, line: string): string {
  const path = ["config", ...places[whose]];
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
