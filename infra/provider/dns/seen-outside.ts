import { setTimeout as sleep } from "node:timers/promises";
import { tryToAsk } from "./ask.ts";
import { type Exchange, type NameServer, NoAnswer } from "./exchange.ts";
import { recordsOf } from "./resource-record.ts";

/** How long resolvers are waited for. */
export interface SeenPatience {
  /** Seconds in all. */
  readonly seconds: number;
  /** Milliseconds between two questions. */
  readonly pause: number;
}

/**
 * Waits until resolvers show a TXT value that all of the zone's own servers have: one that has asked before remembers the old answer, or that
 * there was none, for as long as that may live (RFC 2308). An authority that asks such a resolver would fail.
 *
 * @returns Addresses of those that did not show it in time; one that does not answer counts for none.
 */
export async function waitOutside(
  exchange: Exchange,
  resolvers: readonly NameServer[],
  { name, value }: { readonly name: string; readonly value: string },
  { seconds, pause }: SeenPatience,
  signal?: AbortSignal,
): Promise<string[]> {
  const late = async (resolver: NameServer): Promise<string[]> => {
    for (const until = Date.now() + seconds * 1000; ; ) {
      const reply = await tryToAsk(exchange, resolver, { name, type: "TXT" }, { recursive: true });
      if (reply instanceof NoAnswer) return [];
      if (recordsOf(reply.answers, "TXT").some(({ data }) => data === value)) return [];
      if (Date.now() + pause > until) return [resolver.address];
      await sleep(pause, undefined, signal === undefined ? {} : { signal });
    }
  };
  return (await Promise.all(resolvers.map(late))).flat();
}
