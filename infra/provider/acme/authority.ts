import { generateKeyPairSync } from "node:crypto";
import { Failure, reason } from "../failure.ts";
import { readCertificate } from "./certificate.ts";
import { type Credentials, type Opening, openSession, type Session } from "./client.ts";
import { type CertificateRequest, fill, type Issued, type Solver } from "./order.ts";
import { type Patience, patient, retryAfter } from "./patience.ts";
import { Problem, profileRemedy, Refused, Unasked } from "./problem.ts";
import type { RenewalInfo } from "./renewal.ts";
import { type Answer, transport } from "./transport.ts";

export type { CertificateRequest, Issued, Solver } from "./order.ts";

/** A certificate authority that speaks ACME (RFC 8555). */
export interface Authority {
  /** URL of its directory. */
  readonly directory: string;
  /** PEM of roots for the CA's own HTTPS, where it is no public one. */
  readonly roots?: string | undefined;
}

/** An account. Its key is a secret. */
export interface AccountKey {
  /** PEM (PKCS #8), ECDSA P-256. */
  readonly key: string;
  readonly uri: string;
}

export interface NewAccount {
  /** PEM of a key that {@link newAccountKey} made: kept first, so that a run that is killed loses no account. */
  readonly key: string;
  /** E-mail addresses, with or without `mailto:`. */
  readonly contacts: readonly string[];
  /** Whether somebody agrees to the authority's terms. */
  readonly termsAgreed: boolean;
  /** Of an account elsewhere that the authority wants it bound to; the HMAC key in base64url. */
  readonly eab?: { readonly kid: string; readonly hmacKey: string };
}

/** How an authority is asked. */
export interface Conversation {
  /** Ends it at once; challenges are taken away first. What is thrown then is the signal's reason. */
  readonly signal: AbortSignal;
  /** Told what goes on, in lines. */
  readonly say: (line: string) => void;
  /** `os2mo-on-prem/0.1.0`; authorities want to know what program asks (RFC 8555, section 6.1). */
  readonly userAgent: string;
  readonly patience?: Partial<Patience>;
}

/** Why a certificate is taken back (RFC 5280, section 5.3.1). */
export const revocationReasons = { unspecified: 0, keyCompromise: 1, superseded: 4, cessationOfOperation: 5 } as const;
export type RevocationReason = keyof typeof revocationReasons;

export interface CertificateAuthority {
  /** URL of its terms of service. */
  readonly terms: string | undefined;
  /** By which CAA records name it. */
  readonly caaIdentities: readonly string[];
  /** Its profiles: what each is for. */
  profiles(): Readonly<Record<string, string>>;
  /** The account of that key, where it has one already (RFC 8555, section 7.3). */
  createAccount(account: NewAccount): Promise<AccountKey>;
  /** The account that a key belongs to; `undefined` where the authority knows none. @param key PEM */
  findAccount(key: string): Promise<AccountKey | undefined>;
  /** Whom the authority writes to from now on (RFC 8555, section 7.3.2). @param contacts As of a new account */
  updateContacts(account: AccountKey, contacts: readonly string[]): Promise<void>;
  order(account: AccountKey, request: CertificateRequest, solver: Solver): Promise<Issued>;
  /** When the authority wants it renewed; `undefined` where it does not say, or cannot be heard: that must stop nobody. */
  renewalInfo(certificate: string): Promise<RenewalInfo | undefined>;
  /** No error where it is revoked already. */
  revoke(account: AccountKey, certificate: string, reason?: RevocationReason): Promise<void>;
}

/** A key for an account: PEM (PKCS #8), ECDSA P-256. */
export function newAccountKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/**
 * @throws Failure in all that it and its methods do; Refused where the authority said no, Unanswered where it said nothing, Unasked where
 * it would have said no
 */
export async function openAuthority(authority: Authority, conversation: Conversation): Promise<CertificateAuthority> {
  const { signal, say } = conversation;
  const patience = { ...patient, ...conversation.patience };
  const host = hostOf(authority.directory);
  const line = transport({ ...conversation, roots: authority.roots, patience });
  const get = (url: string) => line.patiently(url, () => line.once("get", url));
  const directory = await readDirectory(authority.directory, get);
  const opening: Opening = { url: authority.directory, directory, transport: line, nonces: [], say };
  const meta = (directory.meta ?? {}) as Meta;
  const profiles = meta.profiles ?? {};
  const surroundings = { authority: host, profiles };

  /** What fails within is told as one failure. */
  async function attempt<T>(
    what: string,
    credentials: Credentials,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    try {
      return await work(await openSession(opening, credentials));
    } catch (error) {
      if (error instanceof Problem) {
        throw new Refused(what, [error], { ...surroundings, binding: credentials.eab !== undefined });
      }
      if (error instanceof Failure || signal.aborted) throw error;
      throw new Failure({ what, why: reason(error) }, { cause: error });
    }
  }

  return {
    terms: meta.termsOfService,
    caaIdentities: meta.caaIdentities ?? [],
    profiles: () => profiles,

    async createAccount({ key, contacts, termsAgreed, eab }) {
      const what = `could not make an account at ${host}`;
      refuseAccountWithout(what, meta, termsAgreed, eab !== undefined);
      const contact = urisOf(contacts);
      return attempt(what, { key, ...(eab !== undefined && { eab }) }, async ({ client }) => {
        await client.createAccount({ termsOfServiceAgreed: termsAgreed, ...(contact.length > 0 && { contact }) });
        return { key, uri: client.getAccountUrl() };
      });
    },

    findAccount: (key) =>
      attempt(`could not find the account at ${host}`, { key }, async ({ client }) => {
        try {
          await client.createAccount({ onlyReturnExisting: true });
          return { key, uri: client.getAccountUrl() };
        } catch (error) {
          if (error instanceof Problem && error.document.type === "accountDoesNotExist") return undefined;
          throw error;
        }
      }),

    updateContacts: (account, contacts) =>
      attempt(`could not change the contacts of the account at ${host}`, account, async ({ client }) => {
        await client.updateAccount({ contact: urisOf(contacts) });
      }),

    async order(account, request, solver) {
      const what = `could not get a certificate for ${request.names.join(", ")} from ${host}`;
      await refuseRequest(what, request, profiles);
      const { replaces, ...rest } = request;
      // Where the authority does not know of it, it must not be said (RFC 9773, section 5).
      const asked = replaces === undefined || directory.renewalInfo === undefined ? rest : request;
      return attempt(what, account, (session) =>
        fill(asked, solver, { ...surroundings, what, session, signal, say, patience }),
      );
    },

    async renewalInfo(certificate) {
      const id = readCertificate(certificate).renewalId;
      if (id === undefined || typeof directory.renewalInfo !== "string") return undefined;
      try {
        const answer = await get(`${directory.renewalInfo.replace(/\/$/, "")}/${id}`);
        if (answer.status !== 200) throw Problem.of(answer);
        return readRenewalInfo(answer, new Date());
      } catch (error) {
        signal.throwIfAborted();
        say(`${host} does not tell when to renew: ${reason(error)}`);
        return undefined;
      }
    },

    revoke: (account, certificate, why = "unspecified") =>
      attempt(`could not revoke a certificate at ${host}`, account, async ({ client }) => {
        try {
          await client.revokeCertificate(certificate, { reason: revocationReasons[why] });
        } catch (error) {
          if (!(error instanceof Problem) || error.document.type !== "alreadyRevoked") throw error;
        }
      }),
  };
}

interface Meta {
  readonly termsOfService?: string;
  readonly caaIdentities?: readonly string[];
  readonly externalAccountRequired?: boolean;
  readonly profiles?: Readonly<Record<string, string>>;
}

function urisOf(contacts: readonly string[]): string[] {
  return contacts.map((address) => (/^[a-z]+:/.test(address) ? address : `mailto:${address}`));
}

function hostOf(directory: string): string {
  const url = URL.parse(directory);
  if (url?.protocol === "https:") return url.host;
  throw new Unasked({
    what: `cannot use the certificate authority ${directory}`,
    why: "its directory must be a URL that starts with https:// (RFC 8555, section 6.1)",
  });
}

async function readDirectory(
  url: string,
  get: (url: string) => Promise<Answer>,
): Promise<Readonly<Record<string, unknown>>> {
  const answer = await get(url);
  const what = `cannot use the certificate authority ${hostOf(url)}`;
  if (answer.status >= 400) throw new Refused(what, [Problem.of(answer)], { authority: hostOf(url) });
  const directory = answer.data as Readonly<Record<string, unknown>>;
  const missing = ["newNonce", "newAccount", "newOrder"].filter((name) => typeof directory?.[name] !== "string");
  if (missing.length === 0) return directory;
  const remedy = "Is that the URL of an ACME directory?";
  throw new Failure({ what, why: `what is at ${url} does not have ${missing.join(", ")}`, remedy });
}

function refuseAccountWithout(what: string, meta: Meta, termsAgreed: boolean, bound: boolean): void {
  if (meta.termsOfService !== undefined && !termsAgreed) {
    const remedy = `Read ${meta.termsOfService}, and say that you agree.`;
    throw new Unasked({ what, why: "nobody has agreed to its terms of service", remedy });
  }
  if (meta.externalAccountRequired === true && !bound) {
    const remedy = "Get a key id and an HMAC key for external account binding from whoever runs it, and give both.";
    throw new Unasked({ what, why: "it takes accounts only that are bound to one elsewhere", remedy });
  }
}

/** What the authority would refuse is refused before anything is asked of it. */
async function refuseRequest(
  what: string,
  { names, csr, profile }: CertificateRequest,
  profiles: Readonly<Record<string, string>>,
): Promise<void> {
  if (profile !== undefined && !Object.hasOwn(profiles, profile)) {
    throw new Unasked({ what, why: `it has no profile \`${profile}\``, remedy: profileRemedy(profiles) });
  }
  const { crypto } = await import("acme-client");
  const { commonName, altNames } = crypto.readCsrDomains(csr);
  const sorted = (list: readonly string[]) => [...new Set(list.map((name) => name.toLowerCase()))].sort().join(", ");
  const has = sorted([...altNames, ...(commonName ? [commonName] : [])]);
  if (has !== sorted(names)) throw new Unasked({ what, why: `the certificate request is for ${has || "no names"}` });
}

const HOUR = 3_600_000;

/** @throws Error when the window is none: that counts as no answer (RFC 9773, section 4.2) */
function readRenewalInfo({ data, headers }: Answer, now: Date): RenewalInfo {
  const { suggestedWindow, explanationURL } = data as {
    readonly suggestedWindow?: { readonly start?: string; readonly end?: string };
    readonly explanationURL?: string;
  };
  const [start, end] = [new Date(suggestedWindow?.start ?? ""), new Date(suggestedWindow?.end ?? "")];
  if (!(start < end)) throw new Error("its answer has no window of time");
  const asked = (retryAfter(headers["retry-after"], now)?.getTime() ?? now.getTime() + 6 * HOUR) - now.getTime();
  // Neither each minute nor never (RFC 9773, section 4.3.2).
  const wait = Math.min(Math.max(asked, HOUR / 60), 24 * HOUR);
  return {
    window: { start, end },
    retryAfter: new Date(now.getTime() + wait),
    ...(typeof explanationURL === "string" && { explanationUrl: explanationURL }),
  };
}
