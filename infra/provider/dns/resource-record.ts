import type { Answer, MxData, RecordType, SoaData } from "dns-packet";
import { plain } from "./names.ts";

/** A record of type CAA (RFC 8659, section 4.1). */
export interface Caa {
  /** Bit 128: a CA that does not know the tag must not issue. */
  readonly flags: number;
  /** In lower case: `issue`, `issuewild`, `iodef`, or another. */
  readonly tag: string;
  readonly value: string;
}

/** What a record's data is: of an address its text; a name in lower case without the closing dot; of TXT its pieces joined. */
interface DataOf {
  readonly A: string;
  readonly AAAA: string;
  readonly CNAME: string;
  readonly DNAME: string;
  readonly NS: string;
  readonly TXT: string;
  readonly CAA: Caa;
  readonly MX: MxData;
  readonly SOA: SoaData;
}

type Known = keyof DataOf;
type DataOfType<T extends RecordType> = T extends Known ? DataOf[T] : unknown;

/** A record as an answer holds it. Types that are not read here have the data that dns-packet gives. */
export interface ResourceRecord<T extends RecordType = RecordType> {
  /** In lower case, without the closing dot. */
  readonly name: string;
  readonly type: T;
  /** Seconds for which a resolver may keep it. */
  readonly ttl: number;
  readonly data: DataOfType<T>;
}

/** The records of a type at a name, or anywhere. */
export function recordsOf<T extends RecordType>(
  records: readonly ResourceRecord[],
  type: T,
  name?: string,
): ResourceRecord<T>[] {
  const isOf = (record: ResourceRecord): record is ResourceRecord<T> =>
    record.type === type && (name === undefined || record.name === name);
  return records.filter(isOf);
}

/** Records as dns-packet decodes them, in our form; what EDNS puts among them is left out. */
export function readRecords(answers: readonly Answer[] = []): ResourceRecord[] {
  return answers.flatMap((answer) =>
    answer.type === "OPT"
      ? []
      : [{ name: plain(answer.name), type: answer.type, ttl: answer.ttl ?? 0, data: dataOf(answer) }],
  );
}

function dataOf(answer: Exclude<Answer, { type: "OPT" }>): unknown {
  switch (answer.type) {
    case "CNAME":
    case "DNAME":
    case "NS":
      return plain(answer.data);
    case "TXT":
      return Buffer.concat([answer.data].flat().map((piece) => Buffer.from(piece))).toString();
    case "CAA":
      return { flags: answer.data.flags ?? 0, tag: answer.data.tag.toLowerCase(), value: answer.data.value };
    case "MX":
      return { ...answer.data, exchange: plain(answer.data.exchange) };
    case "SOA":
      return { ...answer.data, mname: plain(answer.data.mname), rname: plain(answer.data.rname) };
    default:
      return answer.data;
  }
}
