import { randomInt } from "node:crypto";
import {
  AUTHENTIC_DATA,
  CHECKING_DISABLED,
  type DecodedPacket,
  DNSSEC_OK,
  decode,
  encode,
  type Packet,
  RECURSION_DESIRED,
  type RecordType,
} from "dns-packet";
import { type Exchange, type NameServer, NoAnswer } from "./exchange.ts";
import { absolute, plain } from "./names.ts";
import { type ResourceRecord, readRecords } from "./resource-record.ts";

/** What is asked. */
export interface Question {
  readonly name: string;
  readonly type: RecordType;
}

/** How it is asked. */
export interface Manner {
  /** Whether the server shall ask others (RD): so of a resolver, not of the zone's own server. */
  readonly recursive: boolean;
  /**
   * Whether signatures are wanted, and to hear whether they were checked (DO and AD).
   * @default false
   */
  readonly dnssec?: boolean;
  /**
   * Whether the resolver shall give what its own check refuses (CD; RFC 4035, section 3.2.2).
   * @default false
   */
  readonly checkingDisabled?: boolean;
}

/** An answer. */
export interface Reply {
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `REFUSED` and so on (IANA, DNS RCODEs). */
  readonly rcode: string;
  /** AA: from the zone's own server. */
  readonly authoritative: boolean;
  /** AD: the resolver checked the signatures. */
  readonly authenticated: boolean;
  readonly answers: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
}

/** Bytes of an answer by UDP that pass everywhere in one piece (DNS flag day 2020). */
const payload = 1232;

/**
 * Asks a server one question: by UDP, by TCP where the answer is too long for it, without EDNS where the server does not know
 * that (RFC 6891, section 7).
 *
 * @throws NoAnswer also when what comes is no answer to the question
 */
export async function ask(exchange: Exchange, server: NameServer, question: Question, manner: Manner): Promise<Reply> {
  const reply = await askOnce(exchange, server, question, manner, true);
  // FORMERR and NOTIMP of old servers; BADVERS of those that know another EDNS only.
  return ["FORMERR", "NOTIMP", "BADVERS"].includes(reply.rcode)
    ? askOnce(exchange, server, question, manner, false)
    : reply;
}

/** The same, where silence is an answer too. */
export async function tryToAsk(...asked: Parameters<typeof ask>): Promise<Reply | NoAnswer> {
  try {
    return await ask(...asked);
  } catch (error) {
    if (error instanceof NoAnswer) return error;
    throw error;
  }
}

async function askOnce(
  exchange: Exchange,
  server: NameServer,
  question: Question,
  manner: Manner,
  edns: boolean,
): Promise<Reply> {
  const query = queryOf(question, manner, edns);
  const bytes = encode(query);
  const short = read(await exchange(server, bytes, "udp"), query, server);
  return replyOf(short.flag_tc ? read(await exchange(server, bytes, "tcp"), query, server) : short);
}

function queryOf({ name, type }: Question, manner: Manner, edns: boolean) {
  const { recursive, dnssec = false, checkingDisabled = false } = manner;
  const flags =
    (recursive ? RECURSION_DESIRED : 0) | (dnssec ? AUTHENTIC_DATA : 0) | (checkingDisabled ? CHECKING_DISABLED : 0);
  const extension = { udpPayloadSize: payload, extendedRcode: 0, ednsVersion: 0, flags: dnssec ? DNSSEC_OK : 0 };
  return {
    type: "query",
    id: randomInt(0x10000),
    flags,
    questions: [{ name: absolute(name), type }],
    additionals: edns ? [{ type: "OPT", name: ".", ...extension, flag_do: dnssec, options: [] }] : [],
  } satisfies Packet;
}

function read(bytes: Uint8Array, query: ReturnType<typeof queryOf>, { address, port }: NameServer): DecodedPacket {
  try {
    const packet = decode(Buffer.from(bytes));
    if (answersTo(packet, query)) return packet;
  } catch (cause) {
    throw new NoAnswer("silent", `${address} port ${port} sent what cannot be read`, { cause });
  }
  throw new NoAnswer("silent", `${address} port ${port} sent an answer to another question`);
}

/** Id and question must be ours (RFC 5452, section 9.1). A server that could not read the question, or will not, may leave it out. */
function answersTo(packet: DecodedPacket, { id, questions: [asked] }: ReturnType<typeof queryOf>): boolean {
  if (!packet.flag_qr || packet.id !== id) return false;
  const [echoed, ...more] = packet.questions ?? [];
  if (echoed === undefined) return !["NOERROR", "NXDOMAIN"].includes(rcodeOf(packet));
  return more.length === 0 && echoed.type === asked?.type && plain(echoed.name) === plain(asked?.name ?? "");
}

function replyOf(packet: DecodedPacket): Reply {
  return {
    rcode: rcodeOf(packet),
    authoritative: packet.flag_aa,
    authenticated: packet.flag_ad,
    answers: readRecords(packet.answers),
    authority: readRecords(packet.authorities),
    additional: readRecords(packet.additionals),
  };
}

const rcodes: Readonly<Record<number, string>> = {
  0: "NOERROR",
  1: "FORMERR",
  2: "SERVFAIL",
  3: "NXDOMAIN",
  4: "NOTIMP",
  5: "REFUSED",
  9: "NOTAUTH",
  16: "BADVERS",
};

/** EDNS holds the upper eight of its twelve bits (RFC 6891, section 6.1.3). */
function rcodeOf({ flags = 0, additionals = [] }: Packet): string {
  const extended = additionals.find((record) => record.type === "OPT")?.extendedRcode ?? 0;
  const code = extended * 16 + (flags & 0xf);
  return rcodes[code] ?? `RCODE_${code}`;
}
