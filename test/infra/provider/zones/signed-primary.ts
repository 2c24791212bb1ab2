import { createHmac } from "node:crypto";
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode } from "dns-packet";
import type { Exchange } from "../../../../infra/provider/dns/exchange.ts";
import { lastRecord, nameBytes, numberBytes } from "../../../../infra/provider/zones/wire.ts";
import type { KeySettings } from "../../../../infra/provider/zones/zone.ts";

/** What a primary does. */
export interface Behaviour {
  readonly key: KeySettings;
  /** Of every answer. */
  readonly rcode?: number;
  /** Answers to questions. */
  readonly holds?: readonly Answer[];
  /** Answers are not signed. */
  readonly unsigned?: boolean;
}

/** A primary without a network: takes whatever update comes, and signs what it says with `node:crypto` alone. */
export function signedPrimary({ key, rcode = 0, holds = [], unsigned = false }: Behaviour) {
  /** `ADDRESS:PORT PROTOCOL`, and the message without its signature, in hexadecimal. */
  const asked: { readonly by: string; readonly message: string }[] = [];
  const exchange: Exchange = async ({ address, port }, query, protocol) => {
    const request = Buffer.from(query);
    const at = lastRecord(request)?.at ?? 0;
    asked.push({ by: `${address}:${port} ${protocol}`, message: request.subarray(12, at).toString("hex") });
    const mac = request.subarray(request.length - 6 - 32, request.length - 6);
    const isUpdate = ((request[2] ?? 0) & 0x78) === 0x28;
    const answer = isUpdate ? Buffer.from(request.subarray(0, 12)) : answered(request.subarray(0), holds);
    if (isUpdate) answer.fill(0, 4);
    answer.writeUInt16BE(answer.readUInt16BE(2) | 0x8000 | rcode, 2);
    return unsigned ? answer : signed(answer, mac, key);
  };
  return { exchange, asked };
}

function answered(request: Buffer, holds: readonly Answer[]): Buffer {
  const { id, questions = [] } = decode(request);
  const [{ name, type } = { name: "", type: "A" }] = questions;
  const answers = holds.filter((record) => record.type === type && record.name === name);
  return encode({ type: "response", id: id ?? 0, flags: AUTHORITATIVE_ANSWER, questions, answers });
}

function signed(answer: Buffer, requestMac: Buffer, { name, algorithm, secret }: KeySettings): Buffer {
  const now = Math.floor(Date.now() / 1000);
  const [owner, any, times] = [nameBytes(name), Buffer.from("00ff00000000", "hex"), Buffer.from("012c", "hex")];
  const variables = [owner, any, nameBytes(algorithm), numberBytes(now, 6), times, Buffer.alloc(4)];
  const mac = createHmac(algorithm.slice(5), Buffer.from(secret, "base64"))
    .update(Buffer.concat([numberBytes(requestMac.length, 2), requestMac, answer, ...variables]))
    .digest();
  const data = Buffer.concat([
    ...[nameBytes(algorithm), numberBytes(now, 6), times, numberBytes(mac.length, 2), mac],
    ...[answer.subarray(0, 2), Buffer.alloc(4)],
  ]);
  const whole = Buffer.concat([answer, owner, Buffer.from("00fa", "hex"), any, numberBytes(data.length, 2), data]);
  whole.writeUInt16BE(answer.readUInt16BE(10) + 1, 10);
  return whole;
}
