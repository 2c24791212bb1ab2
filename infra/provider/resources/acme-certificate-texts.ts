import { createHash, createPublicKey, X509Certificate } from "node:crypto";
import { z } from "zod";

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
  /** TXT values that may stand in the vendor's zone. */
  presented: z.array(z.object({ name: z.string(), value: z.string() })),
});
export type OrderNote = z.output<typeof orderSchema>;

/** Waits for nothing longer than five seconds: who serves what at the host's own port, as a browser would be shown it. */
const handshake = `served() {
    timeout 5 openssl s_client -connect "$1" -servername "$2" </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256 2>/dev/null | sed 's/.*=//' || true
}`;

/**
 * `FOLDER NAME PORT`: what is there of a pair, a fact a line: the version that is live, the hash of the key's public part, the key's owner
 * and mode, and the fingerprint of what is served. PORT 0: nobody is asked.
 */
export const lookScript = `folder=$1 name=$2 port=$3
${handshake}
[ ! -L "$folder/live" ] || echo "live $(readlink -- "$folder/live")"
if [ -s "$folder/live/key.pem" ]; then
    echo "key $(openssl pkey -in "$folder/live/key.pem" -pubout -outform DER 2>/dev/null | sha256sum | cut -c -64)"
    echo "mode $(stat -L -c '%U:%G %a' -- "$folder/live/key.pem")"
fi
[ "$port" -eq 0 ] || echo "served $(served "127.0.0.1:$port" "$name")"
`;

/**
 * `FOLDER TYPE NAME...`: a new key that never leaves the host, and the request for a certificate of the names (RFC 2986). A key that an
 * order was begun with is kept, so that the order can be ended.
 */
export const requestScript = `set -eu
umask 077
folder=$1 kind=$2
shift 2
next=$folder/next
names=
for name in "$@"; do names="$names\${names:+,}DNS:$name"; done
mkdir -p -- "$folder/versions"
if [ -s "$next/request.pem" ] && [ "$(cat "$next/for" 2>/dev/null)" = "$kind $names" ]; then exit 0; fi
rm -rf -- "$next"
mkdir -- "$next"
case $kind in
${Object.entries(keyTypes)
  .map(([type, options]) => `    ${type}) openssl genpkey ${options} -out "$next/key.pem" 2>/dev/null ;;`)
  .join("\n")}
esac
openssl req -new -key "$next/key.pem" -subj / -addext "subjectAltName=$names" -out "$next/request.pem"
printf '%s' "$kind $names" >"$next/for"
`;

/**
 * `FOLDER NAME PORT UNIT`: puts the new pair in the place of the old, in one move, and lets the web server read it. Where that refuses it, or
 * does not serve it, the old pair is back and served. Exit 3: the pair is none; 4: the server did not take it. No UNIT: nobody reads it yet.
 */
export const installScript = `set -eu
umask 077
folder=$1 name=$2 port=$3 unit=$4
next=$folder/next
${handshake}
# A renewal that could wait brought none.
[ -s "$next/fullchain.pem" ] || exit 0
want=$(openssl x509 -in "$next/fullchain.pem" -noout -fingerprint -sha256 | sed 's/.*=//')
one=$(openssl x509 -in "$next/fullchain.pem" -noout -pubkey | sha256sum)
other=$(openssl pkey -in "$next/key.pem" -pubout | sha256sum)
[ "$one" = "$other" ] || { echo "the certificate is not for the key that was made here" >&2; exit 3; }
version=versions/$(date -u +%Y%m%dT%H%M%S)-$(openssl x509 -in "$next/fullchain.pem" -noout -serial | sed 's/.*=//' | tail -c 17)
old=$(readlink -- "$folder/live" || true)
point() { ln -sfn -- "$1" "$folder/live.new" && mv -T -- "$folder/live.new" "$folder/live"; }
sync -f "$next" 2>/dev/null || sync
mv -T -- "$next" "$folder/$version"
point "$version"
reads() { [ -n "$unit" ] && systemctl is-active --quiet -- "$unit"; }
takes() {
    said=$(systemctl reload -- "$unit" 2>&1) || return 1
    for _ in $(seq 40); do
        got=$(served "127.0.0.1:$port" "$name")
        [ "$got" != "$want" ] || return 0
        sleep 0.25
    done
    said="it serves another certificate after 10 s: \${got:-none}"
    return 1
}
if reads && ! takes; then
    if [ -n "$old" ]; then point "$old"; systemctl reload -- "$unit" || true; else rm -f -- "$folder/live"; fi
    # Kept for the next run, which asks for no other.
    mv -T -- "$folder/$version" "$next"
    echo "$unit did not take the new certificate: $said" >&2
    journalctl --quiet --no-pager -o cat -n 5 -u "$unit" >&2 || true
    exit 4
fi
rm -f -- "$folder/$version/request.pem" "$folder/$version/for"
# The one before stays for people; all others go.
ls -1 -- "$folder/versions" | while read -r stale; do
    case versions/$stale in "$version" | "$old") ;; *) rm -rf -- "$folder/versions/$stale" ;; esac
done
`;

/** What {@link lookScript} prints. */
export interface PairLook {
  /** Path of the version that is live, within the folder. */
  readonly live?: string;
  /** SHA-256 of the key's public part (SubjectPublicKeyInfo, DER), in hexadecimal. */
  readonly key?: string;
  /** Whether the key is root's alone. */
  readonly guarded: boolean;
  /** SHA-256 fingerprint of what is served, as openssl prints it; empty where nothing is; absent where nobody was asked. */
  readonly served?: string;
}

export function readLook(text: string): PairLook {
  const facts = new Map(
    text.split("\n").map((line) => {
      const at = line.indexOf(" ");
      return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1).trim()];
    }),
  );
  const [live, key, served] = ["live", "key", "served"].map((name) => facts.get(name));
  return {
    ...(live === undefined ? {} : { live }),
    ...(key === undefined ? {} : { key }),
    guarded: /^root:root [46]00$/.test(facts.get("mode") ?? ""),
    ...(served === undefined ? {} : { served }),
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
