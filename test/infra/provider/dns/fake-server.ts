import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  type DecodedPacket,
  decode,
  encode,
  type Packet,
  type Question,
} from "dns-packet";

/** What a fake server does with a query. */
export interface FakeReply {
  readonly rcode?: number;
  readonly flags?: number;
  readonly authoritative?: boolean;
  readonly answers?: Answer[];
  readonly authorities?: Answer[];
  readonly additionals?: Answer[];
  /** Instead of those of the query. */
  readonly id?: number;
  readonly questions?: Question[];
}

/** A query that came. */
export interface Asked {
  readonly packet: DecodedPacket;
  readonly question: Question;
  readonly protocol: "udp" | "tcp";
}

/** Packets to send for a query: replies, or bytes as they are; none is silence. */
export type Behaviour = (asked: Asked) => readonly (FakeReply | Uint8Array)[];

/** A name server on a free port of the loopback interface, by UDP and TCP. */
export interface FakeServer extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  readonly asked: readonly Asked[];
}

export async function fakeServer(behave: Behaviour, address = "127.0.0.1"): Promise<FakeServer> {
  const asked: Asked[] = [];
  const replies = (bytes: Uint8Array, protocol: Asked["protocol"]): Buffer[] => {
    const packet = decode(Buffer.from(bytes));
    const [question] = packet.questions ?? [];
    if (question === undefined) return [];
    asked.push({ packet, question, protocol });
    return behave({ packet, question, protocol }).map((reply) =>
      reply instanceof Uint8Array ? Buffer.from(reply) : encodeReply(packet, reply),
    );
  };
  const connections = new Set<Socket>();
  const tcp = createServer((socket) => {
    connections.add(socket);
    let come = Buffer.alloc(0);
    socket.on("error", () => undefined);
    socket.on("data", (piece) => {
      come = Buffer.concat([come, piece]);
      if (come.length < 2 || come.length < 2 + come.readUInt16BE()) return;
      for (const reply of replies(come.subarray(2), "tcp")) {
        // In pieces, as a network may deliver it.
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        socket.write(length.subarray(0, 1));
        setImmediate(() => socket.write(Buffer.concat([length.subarray(1), reply])));
      }
    });
  });
  const udp = await bothAt(address, tcp);
  udp.on("message", (bytes, { address: sender, port }) => {
    for (const reply of replies(bytes, "udp")) udp.send(reply, port, sender);
  });
  return {
    address,
    port: udp.address().port,
    asked,
    async [Symbol.asyncDispose]() {
      udp.close();
      for (const socket of connections) socket.destroy();
      tcp.close();
      await once(tcp, "close");
    },
  };
}

/** Lets both listen at one port; a port that is free by UDP may be taken by TCP, and is then tried no further. */
async function bothAt(address: string, tcp: Server): Promise<DatagramSocket> {
  for (;;) {
    const udp = createSocket(address.includes(":") ? "udp6" : "udp4");
    udp.bind(0, address);
    await once(udp, "listening");
    try {
      tcp.listen(udp.address().port, address);
      await once(tcp, "listening");
      return udp;
    } catch (error) {
      udp.close();
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    }
  }
}

function encodeReply(query: DecodedPacket, reply: FakeReply): Buffer {
  const flags = (reply.flags ?? 0) | (reply.authoritative ? AUTHORITATIVE_ANSWER : 0) | (reply.rcode ?? 0);
  const packet: Packet = {
    type: "response",
    id: reply.id ?? query.id,
    flags,
    questions: reply.questions ?? query.questions,
    answers: reply.answers,
    authorities: reply.authorities,
    additionals: reply.additionals,
  };
  return encode(packet);
}
