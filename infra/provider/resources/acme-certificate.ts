import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { sameNames } from "../acme/same-names.ts";
import { directoryUrl, pemCertificates } from "../acme-values.ts";
import { absolutePath, byFields } from "../fields.ts";
import type { Kind } from "../kind.ts";
import { ipAddress } from "../ranges.ts";
import { asSecret, HostResource, type Inputs } from "../resource.ts";
import { type ActContext, act, run } from "../step.ts";
import { absoluteName, zoneSettings } from "../zones/settings.ts";
import type { ZoneSettings } from "../zones/zone.ts";
import { judgePair, neverCame, unfinished } from "./acme-certificate-seen.ts";
import { type KeyType, keyTypes, lookScript, readLook, removeScript, requestScript } from "./acme-certificate-texts.ts";
import { installPair, proveFromOutside, reloadServer } from "./acme-install.ts";
import { obtain, revoke } from "./acme-obtain.ts";

/** A certificate on a server, kept renewed. */
export interface AcmeCertificateArgs {
  /** DNS names that it is for, in lower case; the first is asked for when the web server is tried. */
  names: string[];
  /** Address of the authority's directory; an `AcmeAccount` with the same one stands on the host already. */
  directory: string;
  /** Roots in PEM by which the authority itself is known, where it is no public one. */
  roots?: string;
  /**
   * Address of a test authority that is asked first for a name that no certificate of the real one on the host has yet: a mistake then costs
   * none of the real one's patience. Its account is another `AcmeAccount`.
   */
  testDirectory?: string;
  /** Roots in PEM by which the test authority itself is known, where it is no public one. */
  testRoots?: string;
  /** The vendor's zone, to which `_acme-challenge` of each name leads by CNAME (DNS-5), and the right to write to it. */
  zone: ZoneSettings;
  /**
   * Resolvers that see what the world sees; none: those of the machine where the run is.
   * @default []
   */
  resolvers?: string[];
  /**
   * Seconds for which the zone's name servers are waited for, 1 to 86400; 300 where this is left out, an hour for a zone that somebody edits
   * by hand.
   */
  patience?: number;
  /**
   * Type of the key, which is made on the host, anew for each certificate, and never leaves it: `ecdsa-p256`, `ecdsa-p384`, `rsa-2048`,
   * `rsa-3072` or `rsa-4096`.
   * @default "ecdsa-p256"
   */
  keyType?: KeyType;
  /** One of the authority's profiles; its usual one where this is left out. */
  profile?: string;
  /**
   * Folder of root's alone; the pair is `live/fullchain.pem` and `live/key.pem` in it.
   * @default "/etc/onprem/tls"
   */
  folder?: string;
  /**
   * Unit of the web server that reads the pair: it is reloaded, must show the new certificate, on the server and to the machine where the run
   * is if that gets there, and else the old one is back. Where it does not run, or has not been set up for the pair yet, nothing is asked of it.
   * @default "nginx.service"
   */
  unit?: string;
  /**
   * TCP port at which that shows it, 1 to 65535.
   * @default 443
   */
  port?: number;
  /**
   * Seconds until somebody looks again, 60 to 604800: what falls due before then is due now.
   * @default 86400
   */
  nextRun?: number;
  /**
   * Whether the certificate is revoked when it is deleted.
   * @default false
   */
  revokeOnDelete?: boolean;
}

type Defaulted = "resolvers" | "keyType" | "folder" | "unit" | "port" | "nextRun" | "revokeOnDelete";
export type AcmeCertificateWant = Omit<AcmeCertificateArgs, Defaulted> & Required<Pick<AcmeCertificateArgs, Defaulted>>;

/** The pair as it is live. */
export interface AcmeCertificateSeen {
  /** Sorted. */
  names: string[];
  /** Of the key; `other` where it is none of ours. */
  keyType: string;
  /** Of the authority that gave it; empty where nothing here knows of it: somebody put it there. */
  directory: string;
  /** Empty for the authority's usual one. */
  profile: string;
  issuer: string;
  serial: string;
  /** ISO 8601. */
  notBefore: string;
  /** ISO 8601. */
  notAfter: string;
  /** When it falls due, ISO 8601. */
  renewAt: string;
  /** Why then. */
  renewal: string;
  due: boolean;
  /** Whether the web server shows it: `yes`; `another`; `nothing` where nobody answers, or it shows what it did before the first pair. */
  served: "yes" | "another" | "nothing";
  /** False where a run was killed after it had installed the pair, and before it had looked at it from outside. */
  proven: boolean;
  /** What is wrong with the pair, in plain words. */
  problems: string[];
  /** The certificate itself, PEM, without those that it leads to a root by. */
  certificate: string;
}

interface AcmeCertificateMemory {
  folder: string;
  directory: string;
  roots?: string;
  revoke: boolean;
}

const fields = {
  names: z
    .array(absoluteName)
    .min(1)
    .max(25)
    .transform((names) => [...new Set(names)]),
  directory: directoryUrl,
  roots: pemCertificates.optional(),
  testDirectory: directoryUrl.optional(),
  testRoots: pemCertificates.optional(),
  zone: zoneSettings,
  resolvers: z.array(ipAddress).default([]),
  patience: z.int().min(1).max(86_400).optional(),
  keyType: z.enum(Object.keys(keyTypes) as [KeyType, ...KeyType[]]).default("ecdsa-p256"),
  profile: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "must be the name of a profile")
    .optional(),
  folder: absolutePath.default("/etc/onprem/tls"),
  unit: z
    .string()
    .regex(/^[A-Za-z0-9@_.-]+\.service$/, "must be the name of a service")
    .default("nginx.service"),
  port: z.int().min(1).max(65535).default(443),
  nextRun: z.int().min(60).max(604_800).default(86_400),
  revokeOnDelete: z.boolean().default(false),
};

/**
 * A certificate for a server in a closed network (DNS-2): the key and the request are made on the server, the challenge is answered in the
 * vendor's zone, to which the customer's CNAME leads (DNS-5), and the chain is put beside the key. It is renewed when the authority wants it
 * (ARI, RFC 9773), else when a third of its life is left; until then a run changes nothing. The new pair is in place only once the web server
 * shows it; else the old one is back.
 *
 * @example
 * new AcmeCertificate("certificate", {
 *   names: ["os2mo.kommune.dk"],
 *   directory: "https://acme-v02.api.letsencrypt.org/directory",
 *   zone: { kind: "cloudflare", zone: "os2mo-on-prem.magentahosted.dk", token },
 * }, { dependsOn: account });
 *
 * @importId the names, joined by commas.
 */
export class AcmeCertificate extends HostResource<AcmeCertificateArgs> {
  declare readonly names: Output<string[]>;
  /** When it ends, ISO 8601. */
  declare readonly notAfter: Output<string>;
  /** When it falls due, ISO 8601. */
  declare readonly renewAt: Output<string>;
  /** Why then. */
  declare readonly renewal: Output<string>;
  declare readonly serial: Output<string>;

  constructor(name: string, args: Inputs<AcmeCertificateArgs>, options?: CustomResourceOptions) {
    super(acmeCertificate.type, name, { ...args, zone: asSecret(args.zone) }, [...outputs], options);
  }
}

const outputs = [
  "issuer",
  "serial",
  "notBefore",
  "notAfter",
  "renewAt",
  "renewal",
  "due",
  "served",
  "proven",
  "problems",
  "certificate",
] as const;

/** The lifecycle of `AcmeCertificate`. */
export const acmeCertificate: Kind<AcmeCertificateWant, AcmeCertificateSeen, AcmeCertificateMemory> = {
  type: "onprem:acme:AcmeCertificate",
  summary: "A certificate of an authority that speaks ACME, whose key is made on the host, kept renewed.",
  fields,
  confidential: ["zone"],
  independent: [...outputs],
  identity: ["folder"],
  check: byFields<AcmeCertificateWant>(fields),
  id: ({ names }) => names.join(","),
  named(id) {
    const { data: names } = fields.names.safeParse(id.split(","));
    return names === undefined ? undefined : { names };
  },

  async observe(host, want) {
    const { folder = "/etc/onprem/tls", names = [], port = 443 } = want;
    const [[file], [note], { stdout }] = await Promise.all([
      host.inspect(`${folder}/live/fullchain.pem`, { content: 1024 * 1024 }),
      host.inspect(`${folder}/live/issued.json`, { content: 64 * 1024 }),
      host.look(["sh", "-c", lookScript, "sh", folder, names[0] ?? "localhost", String(port)]),
    ]);
    // A key is ours, and goes with the resource, also before there is a certificate.
    const look = readLook(stdout);
    if (file === undefined) return look.begun ? unfinished(want) : undefined;
    const chain = new TextDecoder().decode(file.content);
    return judgePair({ chain, look, note: note?.content }, want);
  },

  plan(want, seen) {
    const property = whyNew(want, seen);
    if (property === undefined) {
      return [
        // The file is right, and the web server shows another: it was put there by hand, or the server was not told.
        ...(seen?.served === "another" ? [reloadServer(want)] : []),
        ...(seen?.proven === false ? [proveFromOutside(want, "proven")] : []),
      ];
    }
    const [name = ""] = want.names;
    return [
      run(
        `make a key and a request for ${name}`,
        ["sh", "-c", requestScript, "sh", want.folder, want.keyType, ...want.names],
        {
          property,
          secret: false,
          deadline: 120,
          remedies: { 1: room(want), 2: room(want) },
        },
      ),
      act(
        `get a certificate for ${want.names.join(", ")} from ${new URL(want.directory).host}`,
        (context) => obtain(want, context, property === "due" ? seen : undefined),
        { property },
      ),
      installPair(want, property),
      proveFromOutside(want, property),
    ];
  },

  remove(seen, memory) {
    const folder = memory?.folder ?? "/etc/onprem/tls";
    return [
      ...(memory?.revoke ? [act("revoke the certificate", (context) => takeBack(seen, memory, context))] : []),
      run("remove the pair and its key", ["sh", "-euc", removeScript, "sh", folder]),
    ];
  },

  refuse(_want, seen, ours) {
    if (ours || seen === undefined || seen.directory !== "") return undefined;
    return {
      why: "another certificate stands there, and was not made by this program",
      remedy: "Choose another folder, or take that one away.",
    };
  },

  warn: (_, seen) =>
    seen === undefined || neverCame(seen)
      ? []
      : [
          ...(seen.problems.length === 0 ? [] : [`the certificate: ${seen.problems.join("; ")}`]),
          ...(seen.due ? [`the certificate falls due: ${seen.renewal}`] : []),
        ],

  remember: ({ folder, directory, roots, revokeOnDelete }) => ({
    folder,
    directory,
    ...(roots === undefined ? {} : { roots }),
    revoke: revokeOnDelete,
  }),
};

/** Has the certificate revoked that goes; what the authority would refuse, or has not given, holds up no removal. */
async function takeBack(
  seen: AcmeCertificateSeen,
  { directory, roots }: AcmeCertificateMemory,
  context: ActContext,
): Promise<void> {
  if (neverCame(seen)) return;
  const { certificate, notAfter, directory: given } = seen;
  const { host } = new URL(directory);
  const why =
    given !== directory
      ? `it is not one that ${host} gave`
      : new Date(notAfter) <= new Date()
        ? `it expired at ${notAfter}`
        : undefined;
  if (why === undefined) return revoke({ directory, roots }, certificate, context);
  context.say("warning", `the certificate that stands there is not revoked: ${why}`);
}

/** The property for which another certificate is needed, if it is. */
function whyNew(want: AcmeCertificateWant, seen: AcmeCertificateSeen | undefined): string | undefined {
  if (seen === undefined) return "names";
  if (!sameNames(seen.names, want.names)) return "names";
  if (seen.keyType !== want.keyType) return "keyType";
  if (seen.directory !== want.directory) return "directory";
  if (seen.profile !== (want.profile ?? "")) return "profile";
  if (seen.problems.length > 0) return "problems";
  return seen.due ? "due" : undefined;
}

/** What to do where the key could not be written. */
function room({ folder }: AcmeCertificateWant): string {
  return `If there is no room, make some (\`df -h ${folder}\` shows the space, \`df -i ${folder}\` the inodes), then run the update again.`;
}
