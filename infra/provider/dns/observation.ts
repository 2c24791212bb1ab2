import type { NoAnswer } from "./exchange.ts";
import type { Caa } from "./resource-record.ts";

/** What is seen of one expected record, as plain data. */
export interface Observation {
  /** The zone that holds the owner; absent where no resolver tells. */
  readonly zone?: string;
  /** Whether the owner is the top of that zone (DNS-8). */
  readonly apex: boolean;
  /** The zone's servers, one entry for each address; none where the zone is not known. */
  readonly servers: readonly ServerView[];
  /** The resolvers that see what the world sees. */
  readonly outside: readonly ResolverView[];
  /** The server's own resolvers; absent where they were not asked. */
  readonly inside?: readonly ResolverView[];
  /** Absent for a host record, and where no CA was given. */
  readonly caa?: CaaView;
}

/** One of the zone's servers, at one address. */
export type ServerView = UnansweredServer | AnsweringServer;

export interface UnansweredServer {
  readonly name: string;
  /** Absent where the name has none. */
  readonly address?: string;
  readonly failed: NoAnswer["why"] | "no address";
}

export interface AnsweringServer {
  readonly name: string;
  readonly address: string;
  readonly rcode: string;
  /** Whether it says that it holds the zone (AA). */
  readonly authoritative: boolean;
  /** Where the CNAME leads; absent where there is none. */
  readonly target?: string;
  /** Records at exactly the owner that are not this CNAME. */
  readonly others: readonly OtherRecord[];
  /** Where a CNAME leads that stands at the owner with the zone's name after it. */
  readonly doubled?: string;
  /** The zone below, which holds the owner instead. */
  readonly delegation?: string;
}

/** A record in the form of a zone file. */
export interface OtherRecord {
  readonly type: string;
  /** `10.1.2.3`, `10 mail.kommune.dk.`, `"text"` */
  readonly data: string;
}

/** One resolver. */
export type ResolverView = UnansweredResolver | AnsweringResolver;

export interface UnansweredResolver {
  readonly resolver: string;
  readonly failed: NoAnswer["why"];
}

export interface AnsweringResolver {
  /** Its address, with the port where that is not 53. */
  readonly resolver: string;
  /** Of the question for what stands at the end: addresses, or TXT for a challenge. `no answer` where only that is not answered. */
  readonly rcode: string;
  /** The names it is led along, from the owner on; of a loop the first that comes again ends it. */
  readonly chain: readonly string[];
  readonly loop: boolean;
  /** Sorted. */
  readonly addresses: readonly string[];
  readonly texts: readonly string[];
  /** The name from which on the resolver refuses what it gives with its check of signatures off (DNSSEC). */
  readonly bogus?: string;
}

/** The authority that shall issue, as CAA records name it. */
export interface CertificateAuthority {
  /** Its issuer domains: `letsencrypt.org`. */
  readonly domains: readonly string[];
  /** URI of our account (RFC 8657, section 3); absent while there is none. */
  readonly accountUri?: string;
}

/** Which CAA records count for a host name (RFC 8659, section 3). */
export interface CaaView {
  readonly ca: CertificateAuthority;
  /** Names asked, from the host name upwards. */
  readonly climbed: readonly string[];
  /** The first set found; absent where there is none, so that anybody may issue. */
  readonly set?: {
    /** The names from that asked to that at which the records stand: one, or more where CNAMEs lead there. */
    readonly chain: readonly string[];
    readonly records: readonly Caa[];
  };
  /** The name for which there was no answer, and which ends the climb: an authority then refuses. */
  readonly failed?: { readonly name: string; readonly why: string };
}
