import { ComponentResource, type ComponentResourceOptions, log, type Output, output, secret } from "@pulumi/pulumi";
import { AcmeAccount } from "../provider/resources/acme-account.ts";
import { AcmeCertificate } from "../provider/resources/acme-certificate.ts";
import { HostRecord } from "../provider/resources/host-record.ts";
import { Package } from "../provider/resources/package.ts";
import type { DnsSettings } from "../settings/dns.ts";
import type { HttpsSettings } from "../settings/https.ts";
import type { Environment } from "../settings.ts";
import { type ChildOptions, childOptions } from "./child-options.ts";
import { Front, type FrontArgs, webServerUnit } from "./front.ts";

/** HTTPS on one server. */
export interface HttpsArgs {
  /** The settings of `https.acme`. */
  acme: NonNullable<HttpsSettings["acme"]>;
  /** The settings of `dns.zone`. */
  zone: NonNullable<DnsSettings["zone"]>;
  /** Whether the server's name there is taken over where it leads elsewhere already. */
  adopt: boolean;
  /** Resolvers that see what the world sees; none: this machine's. */
  resolvers: readonly string[];
  /** The server's whole name: the only one that is served. */
  hostname: string;
  /** To what the customer's host record leads, in the vendor's zone (DNS-4). */
  target: string;
  /** The server's address in the customer's network. */
  address: string;
  /** The server's system, by which the web server's packages are called. */
  os: FrontArgs["os"];
  /** For the start page. */
  customer: string;
  environment: Environment;
}

/** What people need of it. */
export interface Served {
  /** Where people find it. */
  url: string;
  /** When the certificate ends, ISO 8601. */
  notAfter: Output<string>;
  /** When it falls due, ISO 8601. */
  renewAt: Output<string>;
  /** Why then. */
  renewal: Output<string>;
  /** Address of the account, for CAA records (RFC 8657). */
  account: Output<string>;
}

/** The folder of the pair; what is live is one link in it. */
const folder = "/etc/onprem/tls";

/**
 * HTTPS in a closed network (DNS-1, DNS-2): the server's address in the vendor's zone, an account at the certificate authority, the
 * certificate by a challenge in that zone, and the web server that shows it. What the customer's records must be is looked at before
 * (`DnsRecords`, `dependsOn`): the authority is asked for nothing while they are not right.
 *
 * `dependsOn` of the options holds for every child.
 */
export class Https extends ComponentResource {
  readonly served: Served;

  constructor(name: string, args: HttpsArgs, options: ComponentResourceOptions) {
    super("os2mo:server:Https", name, {}, options);
    const child = childOptions(this, options);
    const record = createRecord(name, args, child);
    const accounts = createAccounts(name, args, child);
    const certificate = createCertificate(name, args, [record, ...Object.values(accounts)], child);
    const front = createFront(name, args, certificate, child);
    const { notAfter, renewAt, renewal } = certificate;
    warnOfAnotherAccount(args, accounts.real.uri);
    this.served = { url: front.url, notAfter, renewAt, renewal, account: accounts.real.uri };
    this.registerOutputs({ ...this.served });
  }
}

function createRecord(
  name: string,
  { zone, target, address, adopt, resolvers }: HttpsArgs,
  options: ChildOptions,
): HostRecord {
  return new HostRecord(
    `${name}-address`,
    { name: target, addresses: [address], zone, adopt, resolvers: [...resolvers] },
    options,
  );
}

function createAccounts(name: string, { acme }: HttpsArgs, options: ChildOptions) {
  const { directory, roots, testDirectory, testRoots, contacts, termsAgreed, externalAccount } = acme;
  const common = { contacts, termsAgreed };
  const real = new AcmeAccount(
    `${name}-account`,
    {
      ...common,
      directory,
      ...(roots === undefined ? {} : { roots }),
      ...(externalAccount === undefined ? {} : { externalAccount: secret(externalAccount) }),
    },
    options,
  );
  if (testDirectory === undefined) return { real };
  const test = new AcmeAccount(
    `${name}-test-account`,
    { ...common, directory: testDirectory, ...(testRoots === undefined ? {} : { roots: testRoots }) },
    options,
  );
  return { real, test };
}

/** The customer's CAA records are asked for by the settings, before anybody can look at the server. */
function warnOfAnotherAccount({ acme, hostname }: HttpsArgs, uri: Output<string>): void {
  const { account } = acme;
  if (account === undefined) return;
  uri.apply((uri) => {
    if (uri === account) return;
    void log.warn(
      `https.acme.account is ${account}, and ${hostname} has the account ${uri}: a CAA record after the customer's instructions would keep it from a certificate. Correct the setting, and give the customer the instructions again.`,
    );
  });
}

function createCertificate(
  name: string,
  { acme, zone, resolvers, hostname }: HttpsArgs,
  before: (HostRecord | AcmeAccount)[],
  options: ChildOptions,
): AcmeCertificate {
  const tools = new Package(`${name}-tools`, { packages: { openssl: "installed" } }, options);
  const { directory, keyType, nextRun, revokeOnDelete, roots, testDirectory, testRoots, profile } = acme;
  const given = {
    directory,
    keyType,
    nextRun,
    revokeOnDelete,
    ...(roots === undefined ? {} : { roots }),
    ...(testDirectory === undefined ? {} : { testDirectory }),
    ...(testRoots === undefined ? {} : { testRoots }),
    ...(profile === undefined ? {} : { profile }),
  };
  return new AcmeCertificate(
    `${name}-certificate`,
    { ...given, names: [hostname], zone, resolvers: [...resolvers], folder, unit: webServerUnit },
    { ...options, dependsOn: [tools, ...before] },
  );
}

function createFront(
  name: string,
  { hostname, customer, environment, os }: HttpsArgs,
  certificate: AcmeCertificate,
  options: ChildOptions,
): Front {
  const files = { chain: output(`${folder}/live/fullchain.pem`), key: output(`${folder}/live/key.pem`) };
  const args = { customer, environment, hostname, os, certificate: files };
  return new Front(`${name}-front`, args, { ...options, dependsOn: certificate });
}
