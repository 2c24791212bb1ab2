import { LabError } from "./lab-error.ts";
import { type AuthorityPlaces, authorityPlaces } from "./pebble-places.ts";
import type { Addresses } from "./status.ts";

/** How the certificate authority behaves. */
export interface AuthorityOptions {
  /** Per cent of the good nonces that are rejected, 0 to 100. @default 5 */
  readonly nonceReject?: number;
  /** Longest wait before each of the three validations of a challenge, which are random, in seconds. @default 15 */
  readonly sleep?: number;
  /** Per cent of the authorisations of an order that are taken from an earlier one where there is a valid one, 0 to 100. @default 50 */
  readonly reuse?: number;
  /**
   * Profiles by name, with the lifetime of their certificates in seconds. Of several, Pebble takes any for an order that names none.
   * @default { default: { validity: 7776000 } }
   */
  readonly profiles?: Readonly<Record<string, { readonly validity: number }>>;
  /** Accounts are only for who knows this key of at least 32 bytes, in base64url (RFC 8555, section 7.3.4). @default none, accounts are for anybody */
  readonly eab?: { readonly kid: string; readonly hmacKey: string };
  /** Seconds in the `Retry-After` of orders and authorisations that are not done yet, 0 for none. @default 1 */
  readonly retryAfter?: number;
  /** Domains for which, and below which, nothing is issued: `rejectedIdentifier`. @default none */
  readonly domainBlocklist?: readonly string[];
}

/** The options that are not given. */
const defaults = {
  nonceReject: 5,
  sleep: 15,
  reuse: 50,
  profiles: { default: { validity: 90 * 24 * 3600 } },
  retryAfter: 1,
  domainBlocklist: [],
} satisfies AuthorityOptions;

/** Refuses what Pebble would take for something else without a word. */
export function checkOptions(options: AuthorityOptions): Required<Omit<AuthorityOptions, "eab">> & AuthorityOptions {
  const all = { ...defaults, ...options };
  const whole = (name: string, value: number, from: number, to: number) =>
    Number.isInteger(value) && value >= from && value <= to
      ? []
      : [`${name}: ${value} is not a whole number from ${from} to ${to}`];
  const problems = [
    ...whole("nonceReject", all.nonceReject, 0, 100),
    ...whole("reuse", all.reuse, 0, 100),
    ...whole("sleep", all.sleep, 0, 600),
    ...whole("retryAfter", all.retryAfter, 0, 86_400),
    ...(Object.keys(all.profiles).length === 0 ? ["profiles: there is none"] : []),
    ...Object.entries(all.profiles).flatMap(([name, { validity }]) =>
      whole(`profiles.${name}.validity`, validity, 2, 9_223_372_037),
    ),
    // RFC 7518, section 3.2: no shorter than what HS256 makes.
    ...(all.eab !== undefined && !/^[A-Za-z0-9_-]{43,}$/.test(all.eab.hmacKey)
      ? ["eab.hmacKey: not 32 bytes or more in base64url"]
      : []),
  ];
  if (problems.length === 0) return all;
  throw new LabError("the certificate authority cannot be started like this", problems.join("\n  "));
}

const usual = authorityPlaces("authority");

/** Pebble's configuration. */
export function pebbleConfiguration(options: AuthorityOptions, places: AuthorityPlaces = usual): string {
  const { profiles, eab, retryAfter, domainBlocklist } = checkOptions(options);
  const pebble = {
    listenAddress: new URL(places.pebbleUrl).host,
    managementListenAddress: new URL(places.managementUrl).host,
    certificate: places.certificateFile,
    privateKey: places.keyFile,
    httpPort: 80,
    tlsPort: 443,
    keyAlgorithm: "ecdsa",
    caaIdentities: [places.name],
    externalAccountBindingRequired: eab !== undefined,
    externalAccountMACKeys: eab === undefined ? {} : { [eab.kid]: eab.hmacKey },
    domainBlocklist,
    retryAfter: { authz: retryAfter, order: retryAfter },
    profiles: Object.fromEntries(
      Object.entries(profiles).map(([name, { validity }]) => [
        name,
        { description: `${validity} seconds`, validityPeriod: validity },
      ]),
    ),
  };
  return `${JSON.stringify({ pebble }, undefined, 2)}\n`;
}

/** What Pebble reads in its environment, as systemd.exec(5) has it in a file. */
export function pebbleEnvironment(options: AuthorityOptions): string {
  const { nonceReject, sleep, reuse } = checkOptions(options);
  return [
    `PEBBLE_WFE_NONCEREJECT=${nonceReject}`,
    `PEBBLE_AUTHZREUSE=${reuse}`,
    // Pebble never sleeps for the whole of its time.
    sleep === 0 ? "PEBBLE_VA_NOSLEEP=1" : `PEBBLE_VA_SLEEPTIME=${sleep + 1}`,
    "",
  ].join("\n");
}

/** Services of the vendor's host by file: Pebble, which asks `resolver`, and what stands in front of it at `own`. */
export function authorityUnits(
  own: Addresses,
  resolver: Addresses,
  places: AuthorityPlaces = usual,
): Readonly<Record<string, string>> {
  const { folder, settingsFolder } = places;
  const service = (description: string, lines: readonly string[]) =>
    [
      "[Unit]",
      `Description=${description}`,
      "After=network.target",
      "StartLimitIntervalSec=0",
      "[Service]",
      ...lines,
      "Restart=on-failure",
      // After a boot, the addresses may come later.
      "RestartSec=200ms",
      "[Install]",
      "WantedBy=multi-user.target",
      "",
    ].join("\n");
  const front = {
    listen: `${own.v4}:443,[${own.v6}]:443`,
    pebble: places.pebbleUrl,
    certificate: places.certificateFile,
    key: places.keyFile,
    roots: places.rootsFile,
    faults: places.faultFile,
  };
  return {
    [`/etc/systemd/system/${places.services.pebble}`]: service("Certificate authority", [
      `EnvironmentFile=${settingsFolder}/pebble.env`,
      `ExecStart=${folder}/pebble -strict -config ${settingsFolder}/pebble.json -dnsserver ${resolver.v4}:53`,
    ]),
    [`/etc/systemd/system/${places.services.front}`]: service("Front of the certificate authority", [
      `ExecStart=${folder}/front ${Object.entries(front)
        .map(([name, value]) => `-${name} ${value}`)
        .join(" ")}`,
      `StandardOutput=append:${places.requestLog}`,
      "StandardError=journal",
    ]),
  };
}

/** Settings of openssl(1) for a root and what it signs. */
export function certificateSettings({ v4, v6 }: Addresses, { name }: AuthorityPlaces = usual): string {
  return `[req]
prompt = no
distinguished_name = name
[name]
CN = ${name}
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:${name}, IP:${v4}, IP:${v6}, IP:127.0.0.1
`;
}

/** Script that makes the root and the certificate of the authority's web server. The root's key is thrown away. */
export const certificateScript = ({ settingsFolder, rootsFile, keyFile, certificateFile }: AuthorityPlaces) => `
umask 077
cd ${settingsFolder}
root=$(mktemp)
new() { openssl req -x509 -config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 3650 "$@"; }
new -extensions root -subj "/CN=Root of the lab's web servers" -keyout "$root" -out ${rootsFile}
new -extensions server -CA ${rootsFile} -CAkey "$root" -keyout ${keyFile} -out ${certificateFile}
rm "$root"
`;
