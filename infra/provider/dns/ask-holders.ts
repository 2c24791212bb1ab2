import { type Question, type Reply, tryToAsk } from "./ask.ts";
import { endOf, follow, longestChain } from "./chain.ts";
import { type Exchange, type NameServer, NoAnswer } from "./exchange.ts";
import { isTold } from "./look-resolver.ts";
import { type ResourceRecord, recordsOf } from "./resource-record.ts";

/** The servers of the zone that holds a name, at each address; none where they are not known or cannot be reached. */
export type ServersOf = (name: string) => Promise<readonly NameServer[]>;

/** Who says so does not hold the zone; perhaps something on the way answers in the place of one that does. */
const declines = ["REFUSED", "NOTAUTH"];

/**
 * Asks as a resolver does, from zone to zone where CNAMEs lead, and of each zone's servers the first that tells; no cache is asked, and none is
 * filled. Who once kept silent is asked last, and what was told is not asked for again. NoAnswer where nobody that holds the zone answers; an
 * error (`SERVFAIL`) where that is all they have to say.
 */
export function askingHolders(
  exchange: Exchange,
  serversOf: ServersOf,
): (question: Question) => Promise<Reply | NoAnswer> {
  const silent = new Set<string>();
  const told = new Map<string, Promise<Reply | NoAnswer>>();

  function askHolder(question: Question): Promise<Reply | NoAnswer> {
    const key = `${question.name} ${question.type}`;
    const reply = told.get(key) ?? askServers(question);
    told.set(key, reply);
    return reply;
  }

  async function askServers(question: Question): Promise<Reply | NoAnswer> {
    let failed: Reply | undefined;
    const servers = await serversOf(question.name);
    for (const server of servers.toSorted((a, b) => Number(silent.has(a.address)) - Number(silent.has(b.address)))) {
      const reply = await tryToAsk(exchange, server, question, { recursive: false });
      if (reply instanceof NoAnswer) silent.add(server.address);
      else if (reply.authoritative && isTold(reply.rcode)) return reply;
      else if (!isTold(reply.rcode) && !declines.includes(reply.rcode)) failed ??= reply;
    }
    return failed ?? new NoAnswer("silent", `no name server tells of ${question.name}`);
  }

  return async ({ name, type }) => {
    const answers: ResourceRecord[] = [];
    for (let at = name; ; ) {
      const reply = await askHolder({ name: at, type });
      if (reply instanceof NoAnswer || !isTold(reply.rcode)) return reply;
      answers.push(...reply.answers);
      const chain = follow(name, answers);
      const end = endOf(chain);
      const isThere = recordsOf(answers, type, end).length > 0;
      if (isThere || end === at || chain.loop || chain.names.length > longestChain) return { ...reply, answers };
      at = end;
    }
  };
}
