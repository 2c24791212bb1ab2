import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { directoryUrl } from "../acme-values.ts";
import { exchangeFromHere } from "../dns/exchange.ts";
import { exchangeFromHost, resolversOf } from "../dns/exchange-from-host.ts";
import { challengeLabel, type Expected } from "../dns/expected.ts";
import type { Finding } from "../dns/finding.ts";
import { familiesHere, resolversOutside } from "../dns/here.ts";
import { lookUp } from "../dns/look.ts";
import { forbidding, judge } from "../dns/verdict.ts";
import { byFields } from "../fields.ts";
import type { Kind } from "../kind.ts";
import { ipAddress } from "../ranges.ts";
import { HostResource, type Inputs } from "../resource.ts";
import { absoluteName } from "../zones/settings.ts";
import { knownAccount } from "./acme-account.ts";

/** Records in DNS that somebody else keeps. */
export interface DnsRecordsArgs {
  /** CNAME records, target by owner: absolute names in lower case, without the closing dot. */
  records: Record<string, string>;
  /**
   * Addresses of resolvers that see what the world sees; none: those of the machine where the run is.
   * @default []
   */
  resolvers?: string[];
  /**
   * Domains by which CAA records name the authority that is to issue (RFC 8659); none: CAA is not looked at.
   * @default []
   */
  issuers?: string[];
  /** Address of the authority's directory: CAA records that let one account alone issue are held against the one that the server has there. */
  directory?: string;
  /**
   * Whether what is wrong stops the run before anything that depends on it; else it is a warning, and drift.
   * @default false
   */
  require?: boolean;
}

type DnsRecordsWant = Required<Omit<DnsRecordsArgs, "directory">> & Pick<DnsRecordsArgs, "directory">;

/** The records as the world has them. */
export interface DnsRecordsSeen {
  /** The target by owner where it is right; else what is wrong with it, in a word or two: `missing`, `wrong-target`. */
  records: Record<string, string>;
  /** What is wrong, and where. */
  wrong: string[];
  /** What does no harm and should be known. */
  notes: string[];
  /** Of what is wrong, what concerns the world: an authority does not ask where the server does. */
  forbids: string[];
}

const fields = {
  records: z.record(absoluteName, absoluteName),
  resolvers: z.array(ipAddress).default([]),
  issuers: z.array(absoluteName).default([]),
  directory: directoryUrl.optional(),
  require: z.boolean().default(false),
};

/**
 * Looks at CNAME records that a customer keeps (DNS-3 to DNS-9): at every name server of their zone, at resolvers outside, and from the
 * server itself. It changes nothing. A record that is not right is drift in each preview, for as long as the customer takes, and a warning
 * with what to do; with `require` it stops what depends on it.
 *
 * @example
 * new DnsRecords("names", {
 *   records: { "os2mo.kommune.dk": "os2mo.kommune.dk.os2mo-on-prem.magentahosted.dk" },
 *   resolvers: ["9.9.9.9"],
 * });
 *
 * @importId the records as `OWNER=TARGET`, joined by commas.
 */
export class DnsRecords extends HostResource<DnsRecordsArgs> {
  /** What is wrong, and where; empty when every record is right. */
  declare readonly wrong: Output<string[]>;
  /** What does no harm and should be known. */
  declare readonly notes: Output<string[]>;

  constructor(name: string, args: Inputs<DnsRecordsArgs>, options?: CustomResourceOptions) {
    super(dnsRecords.type, name, args, ["wrong", "notes", "forbids"], options);
  }
}

/** The lifecycle of `DnsRecords`: it only looks. */
export const dnsRecords: Kind<DnsRecordsWant, DnsRecordsSeen> = {
  type: "onprem:dns:DnsRecords",
  summary: "CNAME records that a customer keeps, as the world and the server see them.",
  fields,
  refusesLate: true,
  identity: [],
  check: byFields<DnsRecordsWant>(fields),
  id: ({ records }) =>
    Object.entries(records)
      .map((pair) => pair.join("="))
      .sort()
      .join(","),
  named(id) {
    const records = Object.fromEntries(id.split(",").map((pair) => pair.split("=")));
    return fields.records.safeParse(records).success ? { records } : undefined;
  },

  async observe(host, { records = {}, resolvers = [], issuers = [], directory }) {
    const outside = resolversOutside(resolvers);
    const [inside, addressFamilies, accountUri] = await Promise.all([
      resolversOf(host),
      familiesHere(outside),
      directory === undefined ? undefined : knownAccount(host, directory),
    ]);
    const ca = { domains: issuers, ...(accountUri !== undefined && { accountUri }) };
    const options = {
      outside,
      addressFamilies,
      ...(inside.length > 0 && { inside: { exchange: exchangeFromHost(host), resolvers: inside } }),
      ...(issuers.length > 0 && { ca }),
    };
    const judged = await Promise.all(
      Object.entries(records).map(async ([owner, target]) => {
        const purpose = owner.startsWith(challengeLabel) ? "challenge" : "host";
        const expected: Expected = { owner, target, purpose };
        return { owner, target, findings: judge(expected, await lookUp(exchangeFromHere, expected, options)) };
      }),
    );
    const all = (severity: Finding["severity"]) =>
      judged.flatMap(({ findings }) => findings.filter((finding) => finding.severity === severity)).map(textOf);
    return {
      records: Object.fromEntries(judged.map(({ owner, target, findings }) => [owner, wordsOf(findings) ?? target])),
      wrong: all("wrong"),
      notes: all("warning"),
      forbids: judged.flatMap(({ findings }) => forbidding(findings)).map(textOf),
    };
  },

  plan: () => [],
  remove: () => [],

  refuse({ require }, seen) {
    if (!require || seen === undefined || seen.forbids.length === 0) return undefined;
    return { why: seen.forbids.join("\n"), remedy: "The DNS instructions (`npm run documents`) have the records." };
  },

  warn: (_, seen) => [...(seen?.wrong ?? []), ...(seen?.notes ?? [])],
};

/** What is wrong with a record, by kind; `undefined` where nothing is. */
function wordsOf(findings: readonly Finding[]): string | undefined {
  const kinds = findings.filter(({ severity }) => severity === "wrong").map(({ kind }) => kind);
  return kinds.length === 0 ? undefined : [...new Set(kinds)].join(", ");
}

function textOf({ said, remedy }: Finding): string {
  return `${said}\n${remedy}`;
}
