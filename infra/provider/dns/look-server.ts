import { type Reply, tryToAsk } from "./ask.ts";
import { type Exchange, type NameServer, NoAnswer } from "./exchange.ts";
import type { Expected } from "./expected.ts";
import { absolute, canBeAsked, isWithin } from "./names.ts";
import type { AnsweringServer, OtherRecord, ServerView } from "./observation.ts";
import { type ResourceRecord, recordsOf } from "./resource-record.ts";
import type { ZoneServer } from "./zone.ts";

/** A server of a zone, at one address. */
export interface ServerAddress {
  readonly name: string;
  readonly address: string;
}

/** What it says, and to whom it refers where it has handed the owner on (RFC 1034, section 4.3.2). */
export interface ServerLook {
  readonly view: ServerView;
  readonly referral?: { readonly zone: string; readonly servers: readonly ZoneServer[] };
}

/** What the server itself holds, and nothing that it would ask of others. */
const manner = { recursive: false };

/** Asks one of a zone's own servers for an expected record, and for what else stands at its name (DNS-8). */
export async function lookAtServer(
  exchange: Exchange,
  { name, address, port }: ServerAddress & NameServer,
  zone: string,
  expected: Expected,
): Promise<ServerLook> {
  const server = { address, port };
  const reply = await tryToAsk(exchange, server, { name: expected.owner, type: "CNAME" }, manner);
  if (reply instanceof NoAnswer) return { view: { name, address, failed: reply.why } };
  const { rcode, authoritative } = reply;
  const seen = { name, address, rcode, authoritative };
  const referral = referralOf(reply, zone, expected.owner);
  if (referral !== undefined) return { view: { ...seen, others: [], delegation: referral.zone }, referral };
  const targets = recordsOf(reply.answers, "CNAME", expected.owner).map(({ data }) => data);
  const target = targets.includes(expected.target) ? expected.target : targets[0];
  const view: AnsweringServer = {
    ...seen,
    ...(target !== undefined && { target }),
    // Two CNAMEs at a name are as wrong as any other record beside one, and some servers take them.
    others: [
      ...targets.filter((each) => each !== target).map((each) => ({ type: "CNAME", data: absolute(each) })),
      ...(authoritative ? await othersAt(exchange, server, expected.owner) : []),
    ],
    ...(target === undefined && authoritative && (await doubledAt(exchange, server, expected.owner, zone))),
  };
  return { view };
}

function referralOf(reply: Reply, zone: string, owner: string): ServerLook["referral"] {
  if (reply.authoritative || reply.answers.length > 0) return undefined;
  const servers = recordsOf(reply.authority, "NS").filter(
    ({ name }) => name !== zone && isWithin(name, zone) && isWithin(owner, name),
  );
  return servers[0] && { zone: servers[0].name, servers: servers.map(({ data }) => withGlue(data, reply)) };
}

/** A server of the zone below, with the addresses that are told along (RFC 1034, section 4.2.1). */
function withGlue(name: string, { additional }: Reply): ZoneServer {
  const records = [...recordsOf(additional, "A", name), ...recordsOf(additional, "AAAA", name)];
  return { name, addresses: records.map(({ data }) => data) };
}

const otherTypes = ["A", "AAAA", "TXT", "MX", "NS", "CAA"] as const;

async function othersAt(exchange: Exchange, server: NameServer, owner: string): Promise<OtherRecord[]> {
  const replies = await Promise.all(
    otherTypes.map((type) => tryToAsk(exchange, server, { name: owner, type }, manner)),
  );
  return replies.flatMap((reply, index) => {
    const type = otherTypes[index];
    if (reply instanceof NoAnswer || type === undefined) return [];
    return recordsOf(reply.answers, type, owner)
      .map((record) => ({ type, data: writtenOf(record) }))
      .sort((one, other) => (one.data < other.data ? -1 : 1));
  });
}

/** The data as a zone file has it. */
function writtenOf(record: ResourceRecord): string {
  const { type, data } = record as ResourceRecord<(typeof otherTypes)[number]>;
  if (type === "TXT") return JSON.stringify(data);
  if (type === "NS") return absolute(String(data));
  if (typeof data === "string") return data;
  if ("tag" in data) return `${data.flags} ${data.tag} ${JSON.stringify(data.value)}`;
  return `${data.preference} ${absolute(data.exchange)}`;
}

/** Whether the record was made one zone name too deep: a form that appends the zone was given the whole name (DNS-9). */
async function doubledAt(exchange: Exchange, server: NameServer, owner: string, zone: string) {
  const name = `${owner}.${zone}`;
  if (zone === "" || !canBeAsked(name)) return undefined;
  const reply = await tryToAsk(exchange, server, { name, type: "CNAME" }, manner);
  const [found] = reply instanceof NoAnswer ? [] : recordsOf(reply.answers, "CNAME", name);
  return found === undefined ? undefined : { doubled: found.data };
}
