import type { Expected } from "./expected.ts";
import { isTold } from "./look-resolver.ts";
import type { AnsweringResolver, AnsweringServer, Observation, OtherRecord, ResolverView } from "./observation.ts";

/** Somebody whose word on the record counts. */
export interface Witness {
  /** `ns1.kommune.dk (192.0.2.1)`, or a resolver's address. */
  readonly where: string;
  readonly target?: string;
  readonly others: readonly OtherRecord[];
  readonly doubled?: string;
}

/** Who has the record, and who has not. */
export interface Evidence {
  /** The zone's servers that hold it; the outside resolvers where none of those answers. */
  readonly witnesses: readonly Witness[];
  readonly byServers: boolean;
  /** Those of them that have the record as it must be. */
  readonly right: readonly Witness[];
  /** The outside resolvers that say something of the owner. */
  readonly telling: readonly AnsweringResolver[];
}

/** Weighs who can be believed. Pure. */
export function weigh({ target }: Expected, { servers, outside }: Observation): Evidence {
  const telling = outside.filter(tells);
  const holders = servers.filter(holds).map(
    (server): Witness => ({
      where: labelOfServer(server),
      others: server.others,
      ...(server.target !== undefined && { target: server.target }),
      ...(server.doubled !== undefined && { doubled: server.doubled }),
    }),
  );
  const seen = telling.map((view): Witness => {
    const leads = targetOf(view);
    return { where: view.resolver, others: [], ...(leads !== undefined && { target: leads }) };
  });
  const byServers = holders.length > 0;
  const witnesses = byServers ? holders : seen;
  return { witnesses, byServers, right: witnesses.filter((witness) => witness.target === target), telling };
}

/** Where a resolver leads from the owner. */
export function targetOf({ chain }: AnsweringResolver): string | undefined {
  return chain[1];
}

/** Whether a resolver answers, and says that the record is there or that it is not. */
export function tells(view: ResolverView): view is AnsweringResolver {
  return !("failed" in view) && isSure(view);
}

/** Whether a resolver that answers says that the record is there or that it is not. */
export function isSure({ chain, bogus, rcode }: AnsweringResolver): boolean {
  return chain.length > 1 || bogus !== undefined || isTold(rcode);
}

/** Whether a server answers for the zone. */
export function holds(server: Observation["servers"][number]): server is AnsweringServer {
  return !("failed" in server) && server.authoritative && isTold(server.rcode);
}

export function labelOfServer({ name, address }: { readonly name: string; readonly address?: string }): string {
  return address === undefined ? name : `${name} (${address})`;
}
