import { type ResourceRecord, recordsOf } from "./resource-record.ts";

/** Names that CNAMEs lead along. */
export interface Chain {
  /** From the first on; of a loop, the first that comes again ends it. */
  readonly names: readonly string[];
  readonly loop: boolean;
}

/** Names of the longest chain that passes: resolvers give up after eight to sixteen, each at its own. */
export const longestChain = 8;

/** Follows the CNAMEs among some records, in whatever order they are, from a name. */
export function follow(name: string, records: readonly ResourceRecord[]): Chain {
  const names = [name];
  for (;;) {
    const [next] = recordsOf(records, "CNAME", names.at(-1));
    if (next === undefined) return { names, loop: false };
    const loop = names.includes(next.data);
    names.push(next.data);
    if (loop) return { names, loop };
  }
}

/** The name at which a chain ends. */
export function endOf({ names }: Chain): string {
  return names.at(-1) ?? "";
}
