import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { type Conversation, newAccountKey, openAuthority } from "../acme/authority.ts";
import { accountRefusal, recordAccount } from "../acme/ledger.ts";
import {
  type AccountFile,
  accountPath,
  accountSchema,
  contact,
  directoryUrl,
  externalAccount,
  pemCertificates,
} from "../acme-values.ts";
import { Failure } from "../failure.ts";
import { byFields } from "../fields.ts";
import type { Host, PathSeen } from "../host/host.ts";
import type { Kind } from "../kind.ts";
import { asSecret, HostResource, type Inputs } from "../resource.ts";
import { type ActContext, act, run, write } from "../step.ts";
import { userAgent } from "./acme-certificate-texts.ts";
import { HostNotes, isForced, notNow } from "./acme-notes.ts";

/** A key that binds the account to one that exists at the authority elsewhere (RFC 8555, section 7.3.4). */
export interface ExternalAccount {
  kid: string;
  /** Base64url. Always a secret. */
  hmacKey: string;
}

/** An account at a certificate authority. */
export interface AcmeAccountArgs {
  /** Address of the authority's directory: `https://acme-v02.api.letsencrypt.org/directory`. Changing it makes another account. */
  directory: string;
  /** Roots in PEM by which the authority itself is known, where it is no public one. */
  roots?: string;
  /**
   * Mail addresses that the authority may write to. The account stays the same when they change.
   * @default []
   */
  contacts?: string[];
  /** That the authority's terms are agreed to; without it none gives an account. */
  termsAgreed: true;
  /** For an authority that gives accounts to its customers alone. */
  externalAccount?: ExternalAccount;
}

interface AcmeAccountWant {
  directory: string;
  roots?: string;
  contacts: string[];
  termsAgreed: true;
  externalAccount?: ExternalAccount;
}

/** The account as its file on the host has it; its key is read by those alone who ask for a certificate. */
export interface AcmeAccountSeen {
  directory: string;
  contacts: string[];
  /** Address of the account: what `accounturi` of a CAA record names (RFC 8657). */
  uri: string;
  /** Whether the file is root's alone. */
  guarded: boolean;
}

const fields = {
  directory: directoryUrl,
  roots: pemCertificates.optional(),
  contacts: z.array(contact).default([]),
  termsAgreed: z.literal(true),
  externalAccount: externalAccount.optional(),
};

/**
 * An account at a certificate authority that speaks ACME (RFC 8555). Its key is made by the run that asks for it and stands on the host, in
 * a file of root's alone below `/etc/onprem/acme`, before the authority is told of it: the authority's own limits are counted by account,
 * and a run from anywhere, also after one that was killed, goes on with the same one. Without the right to write to the vendor's zone the key gets nobody a certificate.
 *
 * @example
 * new AcmeAccount("account", {
 *   directory: "https://acme-v02.api.letsencrypt.org/directory",
 *   contacts: ["drift@vendor.dk"],
 *   termsAgreed: true,
 * });
 *
 * @importId the address of the directory.
 */
export class AcmeAccount extends HostResource<AcmeAccountArgs> {
  declare readonly directory: Output<string>;
  /** Address of the account. */
  declare readonly uri: Output<string>;

  constructor(name: string, args: Inputs<AcmeAccountArgs>, options?: CustomResourceOptions) {
    const { externalAccount: bound, ...open } = args;
    const all = { ...open, ...(bound === undefined ? {} : { externalAccount: asSecret(bound) }) };
    super(acmeAccount.type, name, all, ["uri", "guarded"], options);
  }
}

/** The lifecycle of `AcmeAccount`. */
export const acmeAccount: Kind<AcmeAccountWant, AcmeAccountSeen> = {
  type: "onprem:acme:AcmeAccount",
  summary: "An account at a certificate authority.",
  fields,
  confidential: ["externalAccount"],
  independent: ["uri"],
  identity: ["directory"],
  check: byFields<AcmeAccountWant>(fields),
  id: ({ directory }) => directory,
  named: (id) => (directoryUrl.safeParse(id).success ? { directory: id, termsAgreed: true } : undefined),

  async observe(host, { directory = "" }) {
    if (directory === "") return undefined;
    const { file, account } = await read(host, directory);
    // A key that has no account yet is none: the plan goes on with it.
    if (file === undefined || account.uri === undefined) return undefined;
    const { uri, contacts } = account;
    return { directory, contacts, uri, guarded: file.owner === "root" && file.mode === "0600" };
  },

  plan(want, seen) {
    const path = accountPath(want.directory);
    const { host } = new URL(want.directory);
    if (seen === undefined) {
      return [act(`get an account at ${host}`, (context) => register(want, context), { property: "directory" })];
    }
    const close = run(
      `make ${path} root's alone`,
      ["sh", "-c", 'chown root:root "$1" && chmod 0600 "$1"', "sh", path],
      {
        property: "guarded",
      },
    );
    const tell = act(`tell ${host} the account's contacts`, (context) => changeContacts(want, context), {
      property: "contacts",
    });
    return [...(seen.guarded ? [] : [close]), ...(sameContacts(seen, want) ? [] : [tell])];
  },

  remove: ({ directory }) => [run("forget the account", ["rm", "-f", "--", accountPath(directory)])],
};

/**
 * The key is written before the authority is told of it; its address after. A run that was killed in between leaves the key, and the next
 * one finds what account it has.
 */
async function register(want: AcmeAccountWant, { host, say, signal }: ActContext): Promise<void> {
  const { directory, roots, contacts, externalAccount: eab } = want;
  const notes = new HostNotes(host, say);
  const refused = accountRefusal(await notes.ledger(), { directory, force: isForced() }, new Date());
  if (refused !== undefined) throw notNow(`did not ask ${directory} for an account`, refused);
  const { account: left } = await read(host, directory);
  const key = left?.key ?? newAccountKey();
  if (left === undefined) await keep(host, { directory, contacts, key });
  const uri = await notes.counting({ directory }, async () => {
    const authority = await openAuthority({ directory, roots }, conversationOf({ say, signal }));
    // What binds it may be good for one account alone, which a run before has made.
    const found = left === undefined ? undefined : await authority.findAccount(key);
    if (left !== undefined && found !== undefined) {
      say("info", `going on with the account that a run before has got: ${found.uri}`);
      if (!sameContacts(left, want)) await authority.updateContacts(found, contacts);
      return found.uri;
    }
    const asked = { key, contacts, termsAgreed: true, ...(eab === undefined ? {} : { eab }) };
    return (await authority.createAccount(asked)).uri;
  });
  await keep(host, { directory, uri, contacts, key });
  await notes.record((ledger, now) => recordAccount(ledger, directory, now));
}

/** The account stays, and with it what CAA records say of it and what the authority counts. */
async function changeContacts({ directory, roots, contacts }: AcmeAccountWant, context: ActContext): Promise<void> {
  const account = await accountOn(context.host, directory);
  const authority = await openAuthority({ directory, roots }, conversationOf(context));
  await authority.updateContacts(account, contacts);
  await keep(context.host, { ...account, contacts });
}

function sameContacts(one: Pick<AcmeAccountWant, "contacts">, other: Pick<AcmeAccountWant, "contacts">): boolean {
  return one.contacts.join() === other.contacts.join();
}

function conversationOf({ say, signal }: Pick<ActContext, "say" | "signal">): Conversation {
  return { signal, say: (line) => say("info", line), userAgent };
}

async function keep(host: Host, account: AccountFile): Promise<void> {
  const path = accountPath(account.directory);
  const content = `${JSON.stringify(account, null, 2)}\n`;
  await host.perform([
    run("make the folder of accounts", ["install", "-d", "-m", "0700", "--", path.slice(0, path.lastIndexOf("/"))]),
    write(`write ${path}`, { path, content, owner: "root", group: "root", mode: "0600", secret: true }),
  ]);
}

/** Address of the account that stands on a host; `undefined` where there is none, and where what stands there cannot be read. */
export async function knownAccount(
  host: Pick<Host, "inspect" | "name">,
  directory: string,
): Promise<string | undefined> {
  const { account } = await read(host, directory).catch((error) => {
    // A damaged file is told of by the account itself.
    if (error instanceof DamagedAccount) return { account: undefined };
    throw error;
  });
  return account?.uri;
}

/** The account that stands on a host. @throws Failure when there is none */
export async function accountOn(host: Pick<Host, "inspect" | "name">, directory: string) {
  const { file, account } = await read(host, directory);
  if (file !== undefined && account.uri !== undefined) return { ...account, uri: account.uri };
  const path = accountPath(directory);
  throw new Failure({
    what: `there is no account at ${directory}`,
    why:
      file === undefined
        ? `${path} is not on ${host.name}`
        : `${path} on ${host.name} has a key, and the authority has not said yet what account it has`,
    remedy: "Make an `AcmeAccount` with the same directory first, that the certificate depends on.",
  });
}

class DamagedAccount extends Failure {}

type Read =
  | { readonly file: PathSeen; readonly account: AccountFile }
  | { readonly file: undefined; readonly account: undefined };

async function read(host: Pick<Host, "inspect" | "name">, directory: string): Promise<Read> {
  const path = accountPath(directory);
  const [file] = await host.inspect(path, { content: 64 * 1024 });
  if (file === undefined) return { file, account: undefined };
  try {
    return { file, account: accountSchema.parse(JSON.parse(new TextDecoder().decode(file.content))) };
  } catch {
    // What the parser would say may quote the key.
    throw new DamagedAccount({
      what: "could not read an account",
      why: `${path} on ${host.name} is damaged, or was not written by this program`,
      remedy: "Move it away on the host, and keep it; the next update gets another account.",
    });
  }
}
