import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { z } from "zod";
import { handshake } from "./acme-install-texts.ts";

/** Kinds of key that a certificate may have, and what openssl-genpkey(1) makes of them. */
export const keyTypes = {
  "ecdsa-p256": "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
  "ecdsa-p384": "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
  "rsa-2048": "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
  "rsa-3072": "-algorithm RSA -pkeyopt rsa_keygen_bits:3072",
  "rsa-4096": "-algorithm RSA -pkeyopt rsa_keygen_bits:4096",
} as const;
export type KeyType = keyof typeof keyTypes;

/** What authorities are told of who asks (RFC 8555, section 6.1). */
export const userAgent = "os2mo-on-prem/0.1.0";

/** What is kept between runs on the host, root's alone: how an order stands, and what was asked of the CA. */
export const stateFolder = "/var/lib/onprem/acme";

/** An order that was begun: the next run goes on with it, and takes away what a killed one has left in DNS. */
export const orderSchema = z.object({
  directory: z.string(),
  names: z.array(z.string()),
  /** Empty for the authority's usual one. */
  profile: z.string().default(""),
  /** The order's own address, once the CA has given it. */
  url: z.string().optional(),
  /** Whether the CA took it as the replacement of another certificate: it counts for none of its limits then. */
  replaced: z.boolean().optional(),
  /** TXT values that may stand in the vendor's zone. */
  presented: z.array(z.object({ name: z.string(), value: z.string() })),
});
export type OrderNote = z.output<typeof orderSchema>;

/**
 * `FOLDER NAME PORT`: what is there of a pair, a fact a line: the hash of the key's public part, the key's owner
 * and mode, the fingerprint of what is served, and of what was before the first pair was there; whether a run was killed before the pair
 * was looked at from outside; and whether there is a key for another pair. PORT 0: nobody is asked.
 */
export const lookScript = `folder=$1 name=$2 port=$3
${handshake}
if [ -s "$folder/live/key.pem" ]; then
    echo "key $(openssl pkey -in "$folder/live/key.pem" -pubout -outform DER 2>/dev/null | sha256sum | cut -c -64)"
    echo "mode $(stat -L -c '%U:%G %a' -- "$folder/live/key.pem")"
fi
[ "$port" -eq 0 ] || echo "served $(served "127.0.0.1:$port" "$name")"
[ ! -s "$folder/live/shown-before" ] || echo "before $(cat -- "$folder/live/shown-before")"
if [ -s "$folder/before/fullchain.pem" ] && [ "$(readlink -- "$folder/before")" != "$(readlink -- "$folder/live")" ]; then echo unproven; fi
[ ! -e "$folder/next/key.pem" ] || echo begun
`;

/**
 * `FOLDER TYPE NAME...`: a new key that never leaves the host, and the request for a certificate of the names (RFC 2986). A key that an
 * order was begun with is kept, so that the order can be ended; so is a pair that was got, and not made live.
 */
export const requestScript = `set -eu
umask 077
folder=$1 kind=$2
shift 2
next=$folder/next
# openssl itself says nothing, and ends well, where there was no room for what it wrote.
keep() { cat >"$next/$1" && [ -s "$next/$1" ]; }
names=
for name in "$@"; do names="$names\${names:+,}DNS:$name"; done
mkdir -p -- "$folder/versions"
# A server that lost its power between the two moves of an install has the new pair in neither place.
if [ ! -e "$next" ] && lost=$(readlink -- "$folder/live.new") && [ -s "$folder/$lost/fullchain.pem" ]; then
    mv -T -- "$folder/$lost" "$next"
fi
if [ -s "$next/request.pem" ] && [ "$(cat "$next/for" 2>/dev/null)" = "$kind $names" ]; then exit 0; fi
rm -rf -- "$next"
mkdir -- "$next"
case $kind in
${Object.entries(keyTypes)
  .map(([type, options]) => `    ${type}) openssl genpkey ${options} 2>/dev/null | keep key.pem ;;`)
  .join("\n")}
esac
openssl req -new -key "$next/key.pem" -subj / -addext "subjectAltName=$names" | keep request.pem
printf '%s' "$kind $names" >"$next/for"
`;

/** `FOLDER`: takes the pair, and all that is kept of earlier ones, away. */
export const removeScript = `rm -rf -- "$1/live" "$1/before" "$1/versions" "$1/next"
rmdir --ignore-fail-on-non-empty -- "$1" 2>/dev/null || true`;

/** What {@link lookScript} prints. */
export interface PairLook {
  /** SHA-256 of the key's public part (SubjectPublicKeyInfo, DER), in hexadecimal. */
  readonly key?: string;
  /** Whether the key is root's alone. */
  readonly guarded: boolean;
  /** SHA-256 fingerprint of what is served, as openssl prints it; empty where nothing is; absent where nobody was asked. */
  readonly served?: string;
  /** The same of what was served when the folder had no pair yet. */
  readonly before?: string;
  /** Whether the pair was never looked at from outside, as it should have been. */
  readonly unproven: boolean;
  /** Whether there is a key for another pair, which was not made live. */
  readonly begun: boolean;
}

export function readLook(text: string): PairLook {
  const facts = new Map(
    text.split("\n").map((line) => {
      const at = line.indexOf(" ");
      return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1).trim()];
    }),
  );
  const [key, served, before] = ["key", "served", "before"].map((name) => facts.get(name));
  return {
    ...(key === undefined ? {} : { key }),
    guarded: /^root:root [46]00$/.test(facts.get("mode") ?? ""),
    ...(served === undefined ? {} : { served }),
    ...(before === undefined ? {} : { before }),
    unproven: facts.has("unproven"),
    begun: facts.has("begun"),
  };
}

/** What stands beside a chain: who gave it, so that another certificate in its place is told from it. */
export const issuedSchema = z.object({
  directory: z.string(),
  profile: z.string(),
  /** As openssl prints it: SHA-256, `AB:CD:...`. */
  fingerprint: z.string(),
});
export type IssuedNote = z.output<typeof issuedSchema>;

/** SHA-256 of the first certificate of a chain, as openssl-x509(1) prints it. */
export function fingerprintOf(chain: string): string {
  return new X509Certificate(chain).fingerprint256;
}

/** SHA-256 of a public key in PEM, as {@link lookScript} reckons it. */
export function publicKeyHash(publicKey: string): string {
  const der = createPublicKey(publicKey).export({ type: "spki", format: "der" });
  return createHash("sha256").update(der).digest("hex");
}

/** The note beside a chain, where it is about this one: else somebody has put the chain there. */
export function issuedOf(content: Uint8Array | undefined, chain: string): IssuedNote | undefined {
  if (content === undefined) return undefined;
  try {
    const note = issuedSchema.parse(JSON.parse(new TextDecoder().decode(content)));
    return note.fingerprint === fingerprintOf(chain) ? note : undefined;
  } catch {
    return undefined;
  }
}
