import { type ClientHttp2Session, connect, constants } from "node:http2";
import { Agent, request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Counts, Kind, Said, Work } from "./https-load.ts";

// Runs inside a network namespace. Asks a web server for its first page in four ways, again and again, until standard input closes:
// `node https-load-worker.ts WORK`. Prints a line for each certificate that each way sees first, and one with what was counted.

const { host, address, roots, contains } = JSON.parse(process.argv[2] ?? "") as Work;
const say = (line: Said) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** Serial number of the certificate that a connection began with. */
const serials = new WeakMap<object, string>();

/** The chain is verified against the roots, and the name against the certificate; each connection shakes hands in full. */
function handshake(protocol: "http/1.1" | "h2"): TLSSocket {
  const socket = connectTls({ host: address, port: 443, servername: host, ca: roots, ALPNProtocols: [protocol] });
  socket.once("secureConnect", () => serials.set(socket, socket.getPeerX509Certificate()?.serialNumber ?? ""));
  return socket;
}

let running = true;
process.stdin.resume();
process.stdin.once("end", () => {
  running = false;
});

interface Answer {
  readonly status: number;
  readonly text: string;
  /** Serial number of the certificate that the connection began with. */
  readonly serial: string;
}

/**
 * Nothing of the request was processed, and clients ask again by themselves: the server closed a connection that lay idle in the very moment
 * in which it was used (RFC 9110, section 9.2.2), or refused the stream, or says that it goes away and the stream comes too late, as a worker
 * does that is told to end (RFC 9113, sections 6.8 and 8.7).
 */
class Unprocessed extends Error {}

class Connections extends Agent {
  override createConnection(): TLSSocket {
    return handshake("http/1.1");
  }
}

const agents = {
  fresh: new Connections({ keepAlive: false }),
  kept: new Connections({ keepAlive: true, maxSockets: 1 }),
};
let session: ClientHttp2Session | undefined;

function overHttp1(agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host, path: "/", agent, timeout: 10_000 }, (response) => {
      const { statusCode: status = 0 } = response;
      const serial = serials.get(response.socket) ?? "";
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status, text, serial }));
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer for ten seconds")));
    asked.on("error", (error: NodeJS.ErrnoException) =>
      reject(asked.reusedSocket && error.code === "ECONNRESET" ? new Unprocessed(error.message) : error),
    );
    asked.end();
  });
}

function open(): ClientHttp2Session {
  const socket = handshake("h2");
  socket.once("secureConnect", () => serials.set(opened, serials.get(socket) ?? ""));
  const opened = connect(`https://${host}`, { createConnection: () => socket });
  opened.on("goaway", (_, last) => lastStreams.set(opened, last));
  // What goes wrong is told by the requests.
  opened.on("error", () => undefined);
  return opened;
}

/** The last stream that a server has taken, of connections that it leaves. */
const lastStreams = new WeakMap<ClientHttp2Session, number>();

function overHttp2(over: ClientHttp2Session, used: boolean): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = over.request({ ":path": "/" });
    let [status, text] = [0, ""];
    stream.setEncoding("utf8");
    stream.setTimeout(10_000, () => stream.destroy(new Error("no answer for ten seconds")));
    stream.on("response", (headers) => {
      status = headers[":status"] ?? 0;
    });
    stream.on("data", (part: string) => {
      text += part;
    });
    const ended = (error: Error) => {
      const last = lastStreams.get(over);
      const late = last !== undefined && (stream.id === undefined || stream.id > last);
      const refused = late || stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
      reject(status === 0 && (used || refused) ? new Unprocessed(error.message) : error);
    };
    stream.on("error", ended);
    stream.on("end", () => {
      // A connection that goes away ends its streams, too.
      if (status === 0) ended(new Error("the connection ended without an answer"));
      else resolve({ status, text, serial: serials.get(over) ?? "" });
    });
    stream.end();
  });
}

const ways: Readonly<Record<Kind, () => Promise<Answer>>> = {
  "HTTP/1.1, a connection each": () => overHttp1(agents.fresh),
  "HTTP/1.1, kept": () => overHttp1(agents.kept),
  "HTTP/2, a connection each": async () => {
    const once = open();
    try {
      return await overHttp2(once, false);
    } finally {
      once.close();
    }
  },
  "HTTP/2, kept": () => {
    const used = session !== undefined && !session.closed && !session.destroyed && !lastStreams.has(session);
    if (!used) session = open();
    return overHttp2(session as ClientHttp2Session, used);
  },
};

async function ask(kind: Kind, pause: number): Promise<Counts> {
  const counts = { requests: 0, again: 0, failures: [] as string[] };
  const seen = new Set<string>();
  for (; running; await sleep(pause)) {
    counts.requests += 1;
    try {
      const answer = await ways[kind]().catch((error: unknown) => {
        if (!(error instanceof Unprocessed)) throw error;
        counts.again += 1;
        return ways[kind]();
      });
      if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      if (!answer.text.includes(contains)) throw new Error("the page is not whole");
      if (!seen.has(answer.serial)) say({ kind, serial: answer.serial });
      seen.add(answer.serial);
    } catch (error) {
      counts.failures.push(String(error));
    }
  }
  return counts;
}

const kinds = Object.keys(ways) as Kind[];
const counted = await Promise.all(
  kinds.map(async (kind) => [kind, await ask(kind, kind.endsWith("kept") ? 5 : 20)] as const),
);
say({ counts: Object.fromEntries(counted) as Record<Kind, Counts> });
process.exit();
