import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

/**
 * Answers gRPC calls of one request and one response (github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md) on
 * 127.0.0.1, without encryption and without compression: what an engine and its plugin speak. Loading a whole gRPC
 * library would take each of the plugin's processes longer than all that it does.
 */

/** Status codes (grpc/doc/statuscodes.md). */
export const grpcStatus = { unknown: 2, resourceExhausted: 8, unimplemented: 12 } as const;

/** A call that failed, as its caller sees it. */
export class CallFailed extends Error {
  readonly code: number;
  /** A serialised google.rpc.Status. */
  readonly details: Uint8Array | undefined;

  constructor(code: number, message: string, details?: Uint8Array, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** Answers one call; what it throws reaches the caller. */
export type Answer = (request: Buffer) => Promise<Uint8Array>;

/** Bytes of the window that a caller may fill before it is told that we took them. */
const window = 1024 * 1024;

/**
 * Serves methods by their path (`/package.Service/Method`) on a free port.
 *
 * @param longest Bytes of the longest request.
 */
export async function serveCalls(
  methods: ReadonlyMap<string, Answer>,
  longest: number,
): Promise<{ port: number; stop(): void }> {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer({
    settings: { initialWindowSize: window },
    // The details of a failure are a header, and may hold a resource's whole state.
    maxSendHeaderBlockLength: Number.MAX_SAFE_INTEGER,
  });
  server.on("session", (session) => {
    session.setLocalWindowSize(window);
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => undefined);
  });
  server.on("stream", (stream, headers) => {
    // A caller that went away, or its whole connection: there is nobody to tell.
    stream.on("error", () => undefined);
    const answer = methods.get(String(headers[":path"]));
    void received(stream, longest)
      .then((request) => {
        if (answer !== undefined) return answer(request);
        throw new CallFailed(grpcStatus.unimplemented, `there is no method ${headers[":path"]}`);
      })
      .then(
        (response) => respond(stream, response),
        (error: unknown) => fail(stream, error),
      );
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen(0, "127.0.0.1", resolve);
  await promise;
  const stop = () => {
    server.close();
    for (const session of sessions) session.destroy();
  };
  return { port: (server.address() as AddressInfo).port, stop };
}

/** The message of a call: a byte that says whether it is compressed, 32 bits of length, the bytes. */
async function received(stream: ServerHttp2Stream, longest: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  stream.on("data", (chunk: Buffer) => {
    length += chunk.length;
    // Read to its end all the same: leaving would cut the stream, and with it our answer.
    if (length <= longest + 5) chunks.push(chunk);
  });
  stream.on("end", resolve).on("close", () => reject(new CallFailed(grpcStatus.unknown, "the call was cut off")));
  await promise;
  if (length > longest + 5) throw new CallFailed(grpcStatus.resourceExhausted, `a message of over ${longest} bytes`);
  const bytes = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  if (bytes.length < 5 || bytes.readUInt32BE(1) !== bytes.length - 5) {
    throw new CallFailed(grpcStatus.unknown, "the call did not hold one whole message");
  }
  if (bytes[0] !== 0) throw new CallFailed(grpcStatus.unimplemented, "compressed messages are not understood");
  return bytes.subarray(5);
}

const plain = { ":status": 200, "content-type": "application/grpc" };

function respond(stream: ServerHttp2Stream, response: Uint8Array): void {
  if (stream.closed || stream.destroyed) return;
  const head = Buffer.alloc(5);
  head.writeUInt32BE(response.length, 1);
  stream.respond(plain, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(Buffer.concat([head, response]));
}

function fail(stream: ServerHttp2Stream, error: unknown): void {
  if (stream.closed || stream.destroyed) return;
  const known = error instanceof CallFailed ? error : new CallFailed(grpcStatus.unknown, String(error));
  const details = known.details === undefined ? {} : { "grpc-status-details-bin": base64(known.details) };
  // Percent-encoded: a header holds neither lines nor letters beyond ASCII.
  const message = { "grpc-status": `${known.code}`, "grpc-message": encodeURI(known.message.toWellFormed()) };
  stream.respond({ ...plain, ...message, ...details }, { endStream: true });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}
