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
