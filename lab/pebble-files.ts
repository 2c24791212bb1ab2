import { LabError } from "./lab-error.ts";
import { authorityName } from "./names-plan.ts";
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

/** Where a client may ask, and what Pebble calls it in URLs. */
const stepPaths = {
  directory: "/dir",
  newNonce: "/nonce-plz",
  newAccount: "/sign-me-up",
  account: "/my-account/",
  newOrder: "/order-plz",
  authorization: "/authZ/",
  challenge: "/chalZ/",
  order: "/my-order/",
  finalize: "/finalize-order/",
  certificate: "/certZ/",
  revokeCert: "/revoke-cert",
  keyChange: "/rollover-account-key",
  renewalInfo: "/draft-ietf-acme-ari-03/renewalInfo/",
} as const;

/** A resource of the authority (RFC 8555, section 7.1; RFC 9773). */
export type AuthorityStep = keyof typeof stepPaths;

/** Something that the authority does wrong, until it is healed. */
export type AuthorityFault = (
  | { /** 429 with `Retry-After` in seconds. */ readonly kind: "rate-limited"; readonly retryAfter: number }
  | { /** 503, as a load balancer answers whose authority is gone. */ readonly kind: "down" }
  | { /** Each answer comes so many milliseconds later. */ readonly kind: "slow"; readonly milliseconds: number }
  | { /** Connections are taken, and no answer ever comes. */ readonly kind: "hanging" }
  | { /** 403: the name is none that this authority serves. */ readonly kind: "rejecting"; readonly detail?: string }
  | { /** 400: the nonce is no good, and here is another one. */ readonly kind: "bad-nonce" }
) & {
  /** Where. @default newOrder for rate-limited, rejecting and bad-nonce; everywhere for the others */
  readonly at?: AuthorityStep;
  /** How often; then all is well again. @default always */
  readonly times?: number;
};

/** What the program in front of Pebble reads. */
export interface FrontRule {
  /** Beginning of the paths that it is about. */
  readonly path: string;
  /** 0 for always. */
  readonly times: number;
  readonly milliseconds: number;
  readonly hang: boolean;
  /** 0 for Pebble's own answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request that the authority got. */
export interface AuthorityRequest {
  readonly method: string;
  /** `undefined` for a path that is none of the authority's. */
  readonly step: AuthorityStep | undefined;
  readonly path: string;
  /** Of the answer; 0 where none will come. */
  readonly status: number;
}

/** What is at fixed places on the vendor's host. */
export const folder = "/opt/authority";
/** Configurations, keys and certificates. */
export const settingsFolder = "/etc/authority";
/** A file that is there while something is wrong. */
export const faultFile = `${settingsFolder}/fault.json`;
/** A line for each request. */
export const requestLog = "/var/log/authority-requests.log";
/** What signed the certificate of the authority's web server. */
export const rootsFile = `${settingsFolder}/roots.pem`;
const certificateFile = `${settingsFolder}/tls.pem`;
const keyFile = `${settingsFolder}/tls.key`;
/** Pebble itself, which only the machine reaches; and where it tells and takes what no real authority would. */
export const pebbleUrl = "https://127.0.0.1:14000";
export const managementUrl = "https://127.0.0.1:15000";

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

/** Pebble's configuration. */
export function pebbleConfiguration(options: AuthorityOptions): string {
  const { profiles, eab, retryAfter, domainBlocklist } = checkOptions(options);
  const pebble = {
    listenAddress: new URL(pebbleUrl).host,
    managementListenAddress: new URL(managementUrl).host,
    certificate: certificateFile,
    privateKey: keyFile,
    httpPort: 80,
    tlsPort: 443,
    keyAlgorithm: "ecdsa",
    caaIdentities: [authorityName],
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
export function authorityUnits(own: Addresses, resolver: Addresses): Readonly<Record<string, string>> {
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
    pebble: pebbleUrl,
    certificate: certificateFile,
    key: keyFile,
    roots: rootsFile,
    faults: faultFile,
  };
  return {
    "/etc/systemd/system/authority-pebble.service": service("Certificate authority", [
      `EnvironmentFile=${settingsFolder}/pebble.env`,
      `ExecStart=${folder}/pebble -strict -config ${settingsFolder}/pebble.json -dnsserver ${resolver.v4}:53`,
    ]),
    "/etc/systemd/system/authority-front.service": service("Front of the certificate authority", [
      `ExecStart=${folder}/front ${Object.entries(front)
        .map(([name, value]) => `-${name} ${value}`)
        .join(" ")}`,
      `StandardOutput=append:${requestLog}`,
      "StandardError=journal",
    ]),
  };
}

/** Settings of openssl(1) for a root and what it signs. */
export function certificateSettings({ v4, v6 }: Addresses): string {
  return `[req]
prompt = no
distinguished_name = name
[name]
CN = ${authorityName}
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
subjectAltName = DNS:${authorityName}, IP:${v4}, IP:${v6}, IP:127.0.0.1
`;
}

/** Script that makes the root and the certificate of the authority's web server. The root's key is thrown away. */
export const certificateScript = `
umask 077
cd ${settingsFolder}
root=$(mktemp)
new() { openssl req -x509 -config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 3650 "$@"; }
new -extensions root -subj "/CN=Root of the lab's web servers" -keyout "$root" -out ${rootsFile}
new -extensions server -CA ${rootsFile} -CAkey "$root" -keyout ${keyFile} -out ${certificateFile}
rm "$root"
`;

/** A fault as the program in front of Pebble does it. */
export function frontRule(fault: AuthorityFault): FrontRule {
  const everywhere = ["down", "slow", "hanging"].includes(fault.kind);
  const step = fault.at ?? (everywhere ? undefined : "newOrder");
  const none: FrontRule = {
    path: step === undefined ? "/" : stepPaths[step],
    times: fault.times ?? 0,
    milliseconds: 0,
    hang: false,
    status: 0,
    headers: {},
    body: "",
  };
  switch (fault.kind) {
    case "slow":
      return { ...none, milliseconds: fault.milliseconds };
    case "hanging":
      return { ...none, hang: true };
    case "down":
      return { ...none, status: 503, headers: { "Content-Type": "text/html" }, body: "<h1>Service unavailable</h1>\n" };
    case "rate-limited":
      return {
        ...none,
        ...problem(429, "rateLimited", `too many new orders recently, retry after ${fault.retryAfter} seconds`),
        headers: { "Content-Type": "application/problem+json", "Retry-After": String(fault.retryAfter) },
      };
    case "rejecting":
      return {
        ...none,
        ...problem(
          403,
          "rejectedIdentifier",
          fault.detail ?? "The ACME server refuses to issue a certificate for this name",
        ),
      };
    case "bad-nonce":
      return { ...none, ...problem(400, "badNonce", "JWS has an invalid anti-replay nonce") };
  }
}

/** A problem document (RFC 7807; RFC 8555, section 6.7). */
function problem(status: number, type: string, detail: string): Pick<FrontRule, "status" | "headers" | "body"> {
  const document = { type: `urn:ietf:params:acme:error:${type}`, detail, status };
  return { status, headers: { "Content-Type": "application/problem+json" }, body: JSON.stringify(document) };
}

/** The requests of the log. */
export function readRequests(log: string): AuthorityRequest[] {
  return log.split("\n").flatMap((line) => {
    const [method, path, status] = line.split(" ");
    if (method === undefined || path === undefined || status === undefined) return [];
    const step = (Object.keys(stepPaths) as AuthorityStep[]).find((name) => path.startsWith(stepPaths[name]));
    return [{ method, step, path, status: Number(status) }];
  });
}
