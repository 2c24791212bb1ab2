import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";

/** Where a name server or a resolver listens: an IP address, and a port (53 but for tests). */
export interface NameServer {
  readonly address: string;
  readonly port: number;
}

/**
 * Sends a query in wire format (RFC 1035, section 4) and gives what comes back, the length in front of TCP taken off. It
 * need not look into it: `ask` does.
 *
 * @throws NoAnswer
 */
export type Exchange = (server: NameServer, query: Uint8Array, protocol: "udp" | "tcp") => Promise<Uint8Array>;

/**
 * Nothing came back, and how: `silent`: within the patience, or nothing that can be read; `refused`: nobody listens there;
 * `no route`: the packet did not leave, for want of a route or by a firewall on the way that says so.
 */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  readonly why: "silent" | "refused" | "no route";

  constructor(why: NoAnswer["why"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.why = why;
  }
}

/** How long an answer is waited for. */
export interface Patience {
  /** Milliseconds of each attempt. */
  readonly patience: number;
  /** How often a query is sent by UDP, which loses packets; an answer to any of them counts. */
  readonly tries: number;
}

/** Exchanges from this machine, with other patience than `exchangeFromHere` has. */
export function exchangeWith(patience: Patience): Exchange {
  return (server, query, protocol) =>
    protocol === "udp" ? byUdp(server, query, patience) : byTcp(server, query, patience);
}

/** From this machine: 2 s for each attempt, two of them by UDP and one by TCP. */
export const exchangeFromHere: Exchange = exchangeWith({ patience: 2000, tries: 2 });

async function byUdp(server: NameServer, query: Uint8Array, { patience, tries }: Patience): Promise<Uint8Array> {
  const socket = createSocket(isIPv6(server.address) ? "udp6" : "udp4");
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  let timer: NodeJS.Timeout | undefined;
  let left = tries;
  const attempt = () => {
    if (left-- === 0) return reject(noAnswer("silent", server, "udp"));
    socket.send(query);
    timer = setTimeout(attempt, patience);
  };
  socket.on("error", (error) => reject(noAnswer(whyOf(error), server, "udp", error)));
  // A late answer to another query, or a forged one (RFC 5452, section 9.1): the right one may still come.
  socket.on("message", (reply) => isReply(reply, query) && resolve(reply));
  socket.on("connect", attempt);
  try {
    // Connected, so that the kernel drops packets of others and tells when the port is closed.
    socket.connect(server.port, server.address);
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

async function byTcp(server: NameServer, query: Uint8Array, { patience }: Patience): Promise<Uint8Array> {
  const socket = connect({ host: server.address, port: server.port });
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const timer = setTimeout(() => reject(noAnswer("silent", server, "tcp")), patience);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.length);
  let come = Buffer.alloc(0);
  socket.on("error", (error) => reject(noAnswer(whyOf(error), server, "tcp", error)));
  socket.on("close", () => reject(noAnswer("silent", server, "tcp")));
  socket.on("data", (piece) => {
    come = Buffer.concat([come, piece]);
    const end = come.length < 2 ? Number.POSITIVE_INFINITY : 2 + come.readUInt16BE();
    if (come.length >= end) resolve(come.subarray(2, end));
  });
  try {
    socket.write(Buffer.concat([length, query]));
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/** Whether a packet says of itself that it answers a query: the same id, and the bit of a response (RFC 1035, section 4.1.1). */
function isReply(packet: Uint8Array, query: Uint8Array): boolean {
  return packet.length >= 12 && packet[0] === query[0] && packet[1] === query[1] && ((packet[2] ?? 0) & 0x80) !== 0;
}

const said = {
  silent: "sent no answer",
  refused: "refused: nobody listens there",
  "no route": "could not be reached from here",
};

function noAnswer(why: NoAnswer["why"], { address, port }: NameServer, protocol: "udp" | "tcp", cause?: Error) {
  return new NoAnswer(why, `${address} port ${port}/${protocol} ${said[why]}`, { cause });
}

/** What the system's errors come to. EPERM is this machine's own firewall, EACCES a router's that tells. */
function whyOf({ code = "" }: NodeJS.ErrnoException): NoAnswer["why"] {
  if (code === "ECONNREFUSED") return "refused";
  const unsent = ["ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EHOSTDOWN", "EADDRNOTAVAIL", "EAFNOSUPPORT"];
  return [...unsent, "EPERM", "EACCES", "EINVAL"].includes(code) ? "no route" : "silent";
}
