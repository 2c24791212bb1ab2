import type { CertificateAuthority } from "./observation.ts";
import type { Caa } from "./resource-record.ts";

/**
 * Whether a set of CAA records lets an authority issue for one name by DNS: `allowed`; `forbidden`; `another account`: it
 * names the authority, and an account that is not ours; `account unknown`: the same, while there is no account yet to
 * compare; `another method`: not by `dns-01`; `unknown tag`: a critical tag that no authority knows.
 */
export type CaaAnswer =
  | "allowed"
  | "forbidden"
  | "another account"
  | "account unknown"
  | "another method"
  | "unknown tag";

/** Bit of the flags (RFC 8659, section 4.1). */
const critical = 128;

/** Tags that a CA of the web knows (IANA, CAA properties); all but `issue` are without effect here. */
const knownTags = ["issue", "issuewild", "issuemail", "issuevmc", "iodef", "contactemail", "contactphone"];

/** What a relevant set of CAA records means for an authority (RFC 8659, section 4; RFC 8657). Pure. */
export function caaAnswer(records: readonly Caa[], ca: CertificateAuthority): CaaAnswer {
  if (records.some(({ flags, tag }) => (flags & critical) !== 0 && !knownTags.includes(tag))) return "unknown tag";
  const issuers = records.filter(({ tag }) => tag === "issue");
  if (issuers.length === 0) return "allowed";
  const answers = issuers.map(({ value }) => answerOf(value, ca));
  // One property that grants is enough (RFC 8659, section 4.2); else the nearest miss says most.
  const order: CaaAnswer[] = ["allowed", "account unknown", "another account", "another method"];
  return order.find((answer) => answers.includes(answer)) ?? "forbidden";
}

function answerOf(value: string, { domains, accountUri }: CertificateAuthority): CaaAnswer {
  const [issuer = "", ...parameters] = value.split(";").map((part) => part.trim());
  if (!domains.some((domain) => domain.toLowerCase() === issuer.toLowerCase())) return "forbidden";
  const accounts = valuesOf(parameters, "accounturi");
  const methods = valuesOf(parameters, "validationmethods");
  // Said twice, a parameter cannot be met (RFC 8657, section 3).
  if (methods.length > 1 || methods.some((list) => !list.split(",").includes("dns-01"))) return "another method";
  if (accounts.length === 0) return "allowed";
  if (accounts.length > 1) return "another account";
  if (accountUri === undefined) return "account unknown";
  return accounts[0] === accountUri ? "allowed" : "another account";
}

/** Whether a set that names our account lets any other account at the authority issue, too, by another record. */
export function letsAnyAccount(records: readonly Caa[], ca: CertificateAuthority): boolean {
  const { domains } = ca;
  const issuers = records.filter(({ tag }) => tag === "issue");
  const namesAccount = ({ value }: Caa) => answerOf(value, { domains }) === "account unknown";
  const isOurs = (record: Caa) => namesAccount(record) && answerOf(record.value, ca) === "allowed";
  return issuers.some(isOurs) && issuers.some(({ value }) => answerOf(value, { domains }) === "allowed");
}

function valuesOf(parameters: readonly string[], name: string): string[] {
  return parameters.flatMap((parameter) => {
    const [key = "", ...value] = parameter.split("=");
    return key.trim().toLowerCase() === name ? [value.join("=").trim()] : [];
  });
}
