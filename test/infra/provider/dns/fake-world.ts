import { type Answer, type Question, RECURSION_AVAILABLE } from "dns-packet";
import { type Exchange, exchangeWith } from "../../../../infra/provider/dns/exchange.ts";
import { type Asked, type Behaviour, type FakeReply, type FakeServer, fakeServer } from "./fake-server.ts";

/** A zone by its name; the records below it, NS of a name below meaning that this is handed on. */
export type Zones = Readonly<Record<string, readonly Answer[]>>;

export const cname = (name: string, data: string): Answer => ({ name, type: "CNAME", ttl: 60, data });
export const a = (name: string, data: string): Answer => ({ name, type: "A", ttl: 60, data });
export const aaaa = (name: string, data: string): Answer => ({ name, type: "AAAA", ttl: 60, data });
export const ns = (name: string, data: string): Answer => ({ name, type: "NS", ttl: 60, data });
export const txt = (name: string, data: string): Answer => ({ name, type: "TXT", ttl: 60, data });
export const mx = (name: string, exchange: string): Answer => ({
  name,
  type: "MX",
  ttl: 60,
  data: { preference: 10, exchange },
});
export const caa = (name: string, tag: string, value: string, flags = 0): Answer => ({
  name,
  type: "CAA",
  ttl: 60,
  data: { flags, tag: tag as "issue", value },
});
const soa = (name: string): Answer => ({
  name,
  type: "SOA",
  ttl: 60,
  data: { mname: `ns1.${name}`, rname: `hostmaster.${name}`, serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 1 },
});

/** Whether a name is another or lies below it; the root is ".". */
const isWithin = (name: string, top: string) => top === "." || name === top || name.endsWith(`.${top}`);

/** A zone's own server: answers of what it holds, refers to what it has handed on (RFC 1034, section 4.3.2). */
export function holderOf(zone: string, records: readonly Answer[]): Behaviour {
  return ({ question }) => [isWithin(question.name, zone) ? held(zone, records, question) : { rcode: 5 }];
}

function held(zone: string, records: readonly Answer[], { name, type }: Question): FakeReply {
  const cut = records.find((record) => record.type === "NS" && record.name !== zone && isWithin(name, record.name));
  if (cut !== undefined) {
    const authorities = records.filter((record) => record.type === "NS" && record.name === cut.name);
    const servers = authorities.map((record) => ("data" in record ? record.data : ""));
    return { authorities, additionals: records.filter(({ type, name }) => type === "A" && servers.includes(name)) };
  }
  const here = [...records, soa(zone)].filter((record) => record.name === name);
  const wanted = here.filter((record) => record.type === type);
  const answers = wanted.length > 0 ? wanted : here.filter((record) => record.type === "CNAME");
  const exists = [...records, soa(zone)].some((record) => isWithin(record.name, name));
  if (answers.length > 0) return { authoritative: true, answers };
  return { authoritative: true, rcode: exists ? 0 : 3, authorities: [soa(zone)] };
}

/** What is out of order, by zone. */
export interface Troubles {
  /** Zones whose servers answer no resolver: SERVFAIL. */
  readonly dead?: readonly string[];
  /** Zones with signatures that do not hold: SERVFAIL unless checking is off. */
  readonly bogus?: readonly string[];
}

/** A resolver over some zones: goes to the deepest that holds a name, follows CNAMEs, and gives up at the sixteenth. */
export function resolverOf(zones: Zones, { dead = [], bogus = [] }: Troubles = {}): Behaviour {
  return ({ question, packet }) => {
    const flags = RECURSION_AVAILABLE;
    const answers: Answer[] = [];
    let name = question.name;
    for (let hop = 0; hop < 16; hop++) {
      const [zone = "."] = Object.keys(zones)
        .filter((top) => isWithin(name, top))
        .sort((one, other) => other.length - one.length);
      if (dead.includes(zone) || (bogus.includes(zone) && !packet.flag_cd)) return [{ flags, rcode: 2 }];
      const reply = held(zone, zones[zone] ?? [], { ...question, name });
      answers.push(...(reply.answers ?? []));
      const [next] = reply.answers ?? [];
      if (next?.type !== "CNAME" || question.type === "CNAME") {
        return [{ flags, rcode: reply.rcode ?? 0, answers, authorities: reply.authorities ?? [] }];
      }
      name = next.data;
    }
    return [{ flags, rcode: 2 }];
  };
}

/** Name servers at addresses of the documentation's ranges, each in truth a server on the loopback interface. */
export interface World extends AsyncDisposable {
  /** Gets to them by those addresses; the ports do not matter. */
  readonly exchange: Exchange;
  /** `address name type` of what came, in order. */
  readonly asked: readonly string[];
}

/** Brings servers up by address; `silent` is one that never answers. */
export async function worldOf(behaviours: Readonly<Record<string, Behaviour | "silent">>): Promise<World> {
  const asked: string[] = [];
  const noting =
    (address: string, behave: Behaviour): Behaviour =>
    (query: Asked) => {
      asked.push(`${address} ${query.question.name} ${query.question.type}`);
      return behave(query);
    };
  const servers = new Map<string, FakeServer>();
  for (const [address, behave] of Object.entries(behaviours)) {
    servers.set(address, await fakeServer(behave === "silent" ? () => [] : noting(address, behave)));
  }
  const patient = exchangeWith({ patience: 30_000, tries: 1 });
  const impatient = exchangeWith({ patience: 10, tries: 1 });
  return {
    exchange: ({ address }, query, protocol) => {
      const server = servers.get(address);
      if (server === undefined) throw new Error(`the test has no server at ${address}`);
      return (behaviours[address] === "silent" ? impatient : patient)(server, query, protocol);
    },
    asked,
    async [Symbol.asyncDispose]() {
      for (const server of servers.values()) await server[Symbol.asyncDispose]();
    },
  };
}
