import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { openAuthority } from "../acme/authority.ts";
import { accountRefusal, recordAccount } from "../acme/ledger.ts";
import {
  accountFolder,
  accountPath,
  accountSchema,
  contact,
  directoryUrl,
  externalAccount,
  pemCertificates,
} from "../acme-values.ts";
import { Failure } from "../failure.ts";
import { byFields } from "../fields.ts";
import type { Host } from "../host/host.ts";
import type { Kind } from "../kind.ts";
import { asSecret, HostResource, type Inputs } from "../resource.ts";
import { type ActContext, act, run, write } from "../step.ts";
import { userAgent } from "./acme-certificate-texts.ts";
import { HostNotes } from "./acme-notes.ts";

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
   * Mail addresses that the authority may write to. Changing them makes another account.
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
 * a file of root's alone below `/etc/onprem/acme`: the authority's own limits are counted by account, and a run from anywhere goes on
 * with the same one. Without the right to write to the vendor's zone the key gets nobody a certificate.
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
  identity: ["directory", "contacts"],
  check: byFields<AcmeAccountWant>(fields),
  id: ({ directory }) => directory,
  named: (id) => (directoryUrl.safeParse(id).success ? { directory: id, termsAgreed: true } : undefined),

  async observe(host, { directory = "" }) {
    if (directory === "") return undefined;
    const [file] = await host.inspect(accountPath(directory), { content: 64 * 1024 });
    if (file === undefined) return undefined;
    const { uri, contacts } = parsed(file.content);
    return { directory, contacts, uri, guarded: file.owner === "root" && file.mode === "0600" };
  },

  plan(want, seen) {
    const path = accountPath(want.directory);
    if (seen !== undefined) {
      return seen.guarded
        ? []
        : [
            run(`make ${path} root's alone`, ["sh", "-c", 'chown root:root "$1" && chmod 0600 "$1"', "sh", path], {
              property: "guarded",
            }),
          ];
    }
    const host = new URL(want.directory).host;
    return [act(`get an account at ${host}`, (context) => register(want, context), { property: "directory" })];
  },

  remove: ({ directory }) => [run("forget the account", ["rm", "-f", "--", accountPath(directory)])],
};

async function register(want: AcmeAccountWant, { host, say, signal }: ActContext): Promise<void> {
  const notes = new HostNotes(host);
  const ledger = await notes.ledger();
  const refused = accountRefusal(ledger, want.directory, new Date());
  if (refused !== undefined) {
    throw new Failure({
      what: `did not ask ${want.directory} for an account`,
      why: refused.why,
      ...(refused.until === undefined ? {} : { remedy: `Run the update again after ${refused.until.toISOString()}.` }),
    });
  }
  const { directory, roots, contacts, externalAccount: eab } = want;
  const authority = await openAuthority(
    { directory, ...(roots === undefined ? {} : { roots }) },
    {
      signal,
      say: (line) => say("info", line),
      userAgent,
    },
  );
  const { key, uri } = await authority.createAccount({
    contacts,
    termsAgreed: true,
    ...(eab === undefined ? {} : { eab }),
  });
  const content = `${JSON.stringify({ directory, uri, contacts, key }, null, 2)}\n`;
  const path = accountPath(directory);
  await host.perform([
    run("make the folder of accounts", ["install", "-d", "-m", "0700", "--", path.slice(0, path.lastIndexOf("/"))]),
    write(`write ${path}`, { path, content, owner: "root", group: "root", mode: "0600", secret: true }),
  ]);
  await notes.keepLedger(recordAccount(ledger, directory, new Date()));
}

/** The account that stands on a host. @throws Failure when there is none */
export async function accountOn(host: Pick<Host, "inspect" | "name">, directory: string) {
  const path = accountPath(directory);
  const [file] = await host.inspect(path, { content: 64 * 1024 });
  if (file !== undefined) return parsed(file.content);
  throw new Failure({
    what: `there is no account at ${directory}`,
    why: `${path} is not on ${host.name}`,
    remedy: "Make an `AcmeAccount` with the same directory first, that the certificate depends on.",
  });
}

function parsed(content: Uint8Array | undefined) {
  try {
    return accountSchema.parse(JSON.parse(new TextDecoder().decode(content)));
  } catch {
    // What the parser would say may quote the key.
    throw new Failure({
      what: "could not read an account",
      why: "its file is damaged, or was not written by this program",
      remedy: `Take it out of ${accountFolder} on the host; the next update gets another account.`,
    });
  }
}
