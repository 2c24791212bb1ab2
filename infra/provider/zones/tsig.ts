import { createHmac, timingSafeEqual } from "node:crypto";
import { type Exchange, NoAnswer } from "../dns/exchange.ts";
import { classes, lastRecord, nameBytes, nameEnd, numberBytes, readName, types } from "./wire.ts";
import type { KeySettings } from "./zone.ts";

/** Seconds by which two clocks may differ (RFC 8945, section 10). */
const fudge = 300;

/** Bit of a response's rcode. */
const rcodeMask = 0x0f;

/** Why an answer does not count: what the server says of our signature, or what is wrong with its own. */
export type TsigProblem = "BADSIG" | "BADKEY" | "BADTIME" | "BADTRUNC" | "unsigned" | "forged" | "stale";

const problems: Readonly<Record<number, TsigProblem>> = { 16: "BADSIG", 17: "BADKEY", 18: "BADTIME", 22: "BADTRUNC" };

/** A request or an answer whose signature was not accepted. Holds no secret. */
export class TsigRefused extends Error {
  override readonly name = "TsigRefused";
  readonly problem: TsigProblem;
  /** Seconds by which the server's clock is ahead of ours, where it tells. */
  readonly ahead: number | undefined;

  constructor(problem: TsigProblem, ahead?: number) {
    super(`TSIG: ${problem}`);
    this.problem = problem;
    this.ahead = ahead;
  }
}

/** Signs what is sent and verifies what comes back, which is handed on without its signature. @param clock Seconds since 1970. */
export function signing(exchange: Exchange, key: KeySettings, clock = () => Math.floor(Date.now() / 1000)): Exchange {
  return async (server, query, protocol) => {
    const { message, mac } = sign(Buffer.from(query), key, clock());
    const answer = Buffer.from(await exchange(server, message, protocol));
    try {
      return verify(answer, key, mac, clock());
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const { address, port } = server;
      throw new NoAnswer("silent", `${address} port ${port} sent what cannot be read`, { cause: error });
    }
  };
}

/** A message with its signature as the last record, and the code of the signature, by which the answer is verified. */
export function sign(message: Buffer, key: KeySettings, seconds: number): { message: Buffer; mac: Buffer } {
  const fields = { time: seconds, fudge, error: 0, other: Buffer.alloc(0) };
  const mac = macOf(key, [message, variables(key, fields)]);
  const data = Buffer.concat([
    nameBytes(key.algorithm),
    numberBytes(seconds, 6),
    numberBytes(fudge, 2),
    numberBytes(mac.length, 2),
    mac,
    message.subarray(0, 2),
    numberBytes(0, 2),
    numberBytes(0, 2),
  ]);
  const record = Buffer.concat([
    nameBytes(key.name),
    numberBytes(types.TSIG, 2),
    numberBytes(classes.ANY, 2),
    numberBytes(0, 4),
    numberBytes(data.length, 2),
    data,
  ]);
  const signed = Buffer.concat([message, record]);
  signed.writeUInt16BE(message.readUInt16BE(10) + 1, 10);
  return { message: signed, mac };
}

/**
 * The answer without its signature.
 *
 * @throws TsigRefused when the server did not accept ours, or when we do not accept its own
 * @throws RangeError of what cannot be read
 */
export function verify(answer: Buffer, key: KeySettings, requestMac: Buffer, seconds: number): Buffer {
  const last = lastRecord(answer);
  if (last?.type !== types.TSIG) {
    // An error without a signature can do no more harm than silence (RFC 8945, section 5.3.2).
    if (![0, 3].includes(answer.readUInt8(3) & rcodeMask)) return answer;
    throw new TsigRefused("unsigned");
  }
  const tsig = readTsig(answer, last.at);
  const problem = problems[tsig.error];
  const bare = Buffer.from(answer.subarray(0, last.at));
  bare.writeUInt16BE(answer.readUInt16BE(10) - 1, 10);
  // A server that does not know the key cannot sign (RFC 8945, section 5.3.2).
  if (problem === "BADKEY" || problem === "BADSIG") throw new TsigRefused(problem);
  const signed = Buffer.from(bare);
  tsig.originalId.copy(signed, 0);
  const expected = macOf(key, [numberBytes(requestMac.length, 2), requestMac, signed, variables(key, tsig)]);
  const isOurs = tsig.name === key.name.toLowerCase() && tsig.algorithm === key.algorithm;
  if (!isOurs || tsig.mac.length !== expected.length || !timingSafeEqual(tsig.mac, expected)) {
    throw new TsigRefused("forged");
  }
  if (problem !== undefined) {
    const told = tsig.other.length === 6 ? tsig.other.readUIntBE(0, 6) - seconds : undefined;
    throw new TsigRefused(problem, told);
  }
  if (Math.abs(tsig.time - seconds) > tsig.fudge) throw new TsigRefused("stale", tsig.time - seconds);
  return bare;
}

interface Fields {
  readonly time: number;
  readonly fudge: number;
  readonly error: number;
  readonly other: Buffer;
}

/** What is signed besides the message (RFC 8945, section 4.3.3). */
function variables(key: KeySettings, { time, fudge, error, other }: Fields): Buffer {
  return Buffer.concat([
    nameBytes(key.name),
    numberBytes(classes.ANY, 2),
    numberBytes(0, 4),
    nameBytes(key.algorithm),
    numberBytes(time, 6),
    numberBytes(fudge, 2),
    numberBytes(error, 2),
    numberBytes(other.length, 2),
    other,
  ]);
}

function macOf({ algorithm, secret }: KeySettings, parts: readonly Buffer[]): Buffer {
  const hmac = createHmac(algorithm.replace("hmac-", ""), Buffer.from(secret, "base64"));
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** The record (RFC 8945, section 4.2). */
function readTsig(message: Buffer, at: number) {
  const type = nameEnd(message, at);
  const data = type + 10;
  const algorithm = nameEnd(message, data);
  const mac = algorithm + 10;
  const afterMac = mac + message.readUInt16BE(algorithm + 8);
  const other = afterMac + 6;
  const isWhole = other + message.readUInt16BE(afterMac + 4) === message.length;
  // Class ANY and no time to live; nothing of it is signed as it came.
  if (!isWhole || message.readUInt16BE(type + 2) !== classes.ANY || message.readUInt32BE(type + 4) !== 0) {
    throw new RangeError("the signature is malformed");
  }
  return {
    name: readName(message, at),
    algorithm: readName(message, data),
    time: message.readUIntBE(algorithm, 6),
    fudge: message.readUInt16BE(algorithm + 6),
    mac: message.subarray(mac, afterMac),
    originalId: message.subarray(afterMac, afterMac + 2),
    error: message.readUInt16BE(afterMac + 2),
    other: message.subarray(other),
  };
}
