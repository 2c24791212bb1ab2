import { Failure } from "../failure.ts";
import { retryAfter } from "./patience.ts";
import type { Answer } from "./transport.ts";

/** What a certificate authority says of an error (RFC 7807; RFC 8555, section 6.7). */
export interface ProblemDocument {
  /** Without its prefix: `rateLimited`. */
  readonly type: string;
  readonly detail: string;
  /** A page to go to: where terms are agreed to, for one. */
  readonly instance: string | undefined;
  /** The name that it is about, where it is about one. */
  readonly name: string | undefined;
  readonly subproblems: readonly ProblemDocument[];
}

/** An answer that is an error, before anybody says what it was an answer to. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly document: ProblemDocument;
  readonly status: number;
  /** When the authority wants to be asked again. */
  readonly until: Date | undefined;

  constructor(document: ProblemDocument, { status = 0, until }: { status?: number; until?: Date | undefined } = {}) {
    super(`${document.type}: ${document.detail}`);
    this.document = document;
    this.status = status;
    this.until = until;
  }

  static of({ status, headers, data }: Answer): Problem {
    return new Problem(readProblem(data, `answers ${status}`), {
      status,
      until: retryAfter(headers["retry-after"], new Date()),
    });
  }
}

const prefix = "urn:ietf:params:acme:error:";

/** Reads what may be no problem document at all: a proxy's page, an empty body. */
export function readProblem(data: unknown, otherwise: string): ProblemDocument {
  const given = (typeof data === "object" && data !== null ? data : {}) as Readonly<Record<string, unknown>>;
  const text = (key: string) => (typeof given[key] === "string" ? given[key] : undefined);
  const identifier = given.identifier as { readonly value?: unknown } | null | undefined;
  // Of a page, its words.
  const page =
    typeof data === "string"
      ? data
          .replace(/<[^>]*>/g, " ")
          .replace(/\s+/g, " ")
          .trim()
          .slice(0, 200)
      : "";
  return {
    type: text("type")?.replace(prefix, "") ?? "unknown",
    detail: text("detail") ?? (page === "" ? otherwise : `${otherwise}: ${page}`),
    instance: text("instance"),
    name: typeof identifier?.value === "string" ? identifier.value : undefined,
    subproblems: (Array.isArray(given.subproblems) ? given.subproblems : []).map((sub) => readProblem(sub, otherwise)),
  };
}

/** The authority was not asked, for what was to be asked is wrong. */
export class Unasked extends Failure {
  override readonly name = "Unasked";
}

/** The authority said no. */
export class Refused extends Failure {
  override readonly name = "Refused";
  /** Of the problem: `rateLimited`; `several` where names have different ones. */
  readonly type: string;
  /** Not before then, where the authority said so. */
  readonly until: Date | undefined;
  /** Names whose challenge the authority looked for and did not accept: each counts as a failed authorization. */
  readonly failedNames: readonly string[];

  constructor(what: string, problems: readonly Problem[], surroundings: Surroundings) {
    const { profiles = {}, failedNames = [] } = surroundings;
    const all = problems.flatMap(({ document }) => [document, ...document.subproblems]);
    const types = [...new Set(problems.map(({ document }) => document.type))];
    const until = problems.flatMap((problem) => problem.until ?? []).sort((a, b) => b.getTime() - a.getTime())[0];
    const about = { ...surroundings, until, profiles, validated: failedNames.length > 0 };
    const told = all.flatMap((document) => remedies[document.type]?.({ ...about, document }) ?? []);
    super(
      { what, why: all.map(line).join("\n"), ...(told.length > 0 && { remedy: [...new Set(told)].join("\n") }) },
      { cause: problems[0] },
    );
    this.type = types.length === 1 ? (types[0] ?? "unknown") : "several";
    this.until = until;
    this.failedNames = failedNames;
  }
}

export interface Surroundings {
  /** Host of the authority. */
  readonly authority: string;
  readonly profiles?: Readonly<Record<string, string>>;
  readonly failedNames?: readonly string[];
  /** Whether it is about an account that is to be bound to one elsewhere. */
  readonly binding?: boolean;
}

function line({ type, detail, name }: ProblemDocument): string {
  return `${name === undefined ? "" : `${name}: `}${type}: ${detail}`;
}

interface Case extends Surroundings {
  readonly document: ProblemDocument;
  readonly until: Date | undefined;
  readonly profiles: Readonly<Record<string, string>>;
  /** Whether it is about challenges that were looked for. */
  readonly validated: boolean;
}

const another =
  "make a new one with `npm run pulumi -- up -s STACK --replace URN`; `npm run pulumi -- stack -s STACK --show-urns` shows the URN of the account.";
const look = "`npm run verify -- dns STACK` asks every name server and says which is wrong.";

/** By type of problem (IANA, ACME Error Types). */
const remedies: Readonly<Record<string, (about: Case) => string>> = {
  rateLimited: ({ authority, until }) =>
    until === undefined
      ? `Wait, an hour at least: ${authority} limits how much may be asked of it, and asking on makes it longer.`
      : `Wait until ${until.toISOString()}: ${authority} limits how much may be asked of it.`,
  caa: () => `A CAA record forbids this authority, this account or DNS challenges. ${look}`,
  dns: () => `The authority's own question to the name servers failed, or found no challenge. ${look}`,
  connection: () =>
    `The authority could not reach a name server: those must answer from anywhere, by UDP and TCP port 53.`,
  unauthorized: ({ validated, binding, authority }) => {
    if (binding) return `Are key id and HMAC key those that ${authority} gave out, and not used up?`;
    return validated ? challenge : `Has ${authority} closed the account? Then ${another}`;
  },
  incorrectResponse: () => challenge,
  rejectedIdentifier: () =>
    "The authority issues for public names that it has not barred: choose another name, or another authority.",
  unsupportedIdentifier: () =>
    "The authority issues for DNS names alone, or has none of that kind: choose another name.",
  accountDoesNotExist: ({ authority }) =>
    `The account is of another authority than ${authority}, or was forgotten there: ${another}`,
  externalAccountRequired: ({ authority }) =>
    `Get a key id and an HMAC key for external account binding from whoever runs ${authority}, and give both.`,
  userActionRequired: ({ document }) =>
    document.instance === undefined
      ? "Somebody must do what it says, most often read and accept new terms."
      : `Read, and do, what ${document.instance} says; most often new terms are to be accepted.`,
  badCSR: () =>
    "The key's type or length, or the names, are not what the authority takes: ECDSA P-256 and RSA 2048 are taken by most.",
  badPublicKey: () => "The authority does not take this key: make a new one, ECDSA P-256.",
  alreadyReplaced: () =>
    "The certificate was renewed already, perhaps by another run at the same time: look at that one.",
  invalidProfile: ({ profiles }) => profileRemedy(profiles),
  badNonce: () => "Its front ends disagree about what they gave out; that passes. Run it again later.",
  serverInternal: ({ authority }) =>
    `That is for whoever runs ${authority}: look at its status page, and run it again later.`,
  invalidContact: () => "Correct the contact address, or give none.",
  unsupportedContact: () => "Give an e-mail address as contact, or none.",
};

const challenge = `The authority found no challenge, or an old one: the CNAME leads elsewhere, or some name server has not got it yet. ${look}`;

export function profileRemedy(profiles: Readonly<Record<string, string>>): string {
  const known = Object.entries(profiles).map(([name, text]) => `\`${name}\` (${text})`);
  return known.length === 0 ? "The authority has no profiles: name none." : `Its profiles are ${known.join(", ")}.`;
}
