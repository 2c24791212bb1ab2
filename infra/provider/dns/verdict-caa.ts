import { type CaaAnswer, caaAnswer, letsAnyAccount } from "./caa-policy.ts";
import { caaLine, isPlainValue } from "./caa-record.ts";
import { type Finding, found, listed } from "./finding.ts";
import { absolute } from "./names.ts";
import type { CaaView, CertificateAuthority, Observation } from "./observation.ts";
import type { Caa } from "./resource-record.ts";

/** Whether CAA records let the chosen authority issue (RFC 8659). */
export function judgeCaa({ caa, outside, inside = [] }: Observation): Finding[] {
  if (caa === undefined || caa.ca.domains.length === 0) return [];
  if (caa.failed !== undefined) {
    // Where signatures do not hold, that is why, and it is told already.
    const explained = [...outside, ...inside].some((view) => "bogus" in view);
    return explained ? [] : [unanswered(caa, caa.failed)];
  }
  if (caa.set === undefined) return [];
  const answer = caaAnswer(caa.set.records, caa.ca);
  if (answer !== "allowed") return [forbidden(caa.ca, caa.climbed, caa.set, answer)];
  return letsAnyAccount(caa.set.records, caa.ca) ? [unbound(caa.ca, caa.set)] : [];
}

function unbound(ca: CertificateAuthority, { chain, records }: NonNullable<CaaView["set"]>): Finding {
  const at = chain.at(-1) ?? "";
  return found(
    "caa",
    "warning",
    [at],
    `CAA records at ${at} name our account, and beside it let any account at ${listed(ca.domains)} issue: ${written(records)}.`,
    "Take the record without accounturi away, unless others need it; until then the one with it has no effect.",
  );
}

function written(records: readonly Caa[]): string {
  return records.map(({ flags, tag, value }) => `${flags} ${tag} ${JSON.stringify(value)}`).join(", ");
}

function unanswered({ ca }: CaaView, { name, why }: NonNullable<CaaView["failed"]>): Finding {
  return found(
    "caa",
    "wrong",
    [name],
    `Whether ${listed(ca.domains)} may issue cannot be told: the question for CAA records at ${name} gets ${why}. An authority must refuse then (RFC 8659, section 3).`,
    `See that ${name}, and what it leads to, can be asked for CAA records from outside: most often a name server that a CNAME leads to is out of order, or does not know the type.`,
  );
}

function forbidden(
  ca: CertificateAuthority,
  climbed: readonly string[],
  { chain, records }: NonNullable<CaaView["set"]>,
  answer: Exclude<CaaAnswer, "allowed">,
): Finding {
  const at = chain.at(-1) ?? "";
  const way = [...climbed, ...chain.slice(1)].join(" → ");
  const { accountUri, domains } = ca;
  const canBeNamed = accountUri !== undefined && isPlainValue(accountUri);
  const permission = { issuer: domains[0] ?? "", ...(canBeNamed ? { accountUri } : {}) };
  const add = `\`${absolute(at)} CAA ${caaLine(permission)}\``;
  return found(
    "caa",
    answer === "account unknown" ? "warning" : "wrong",
    [at],
    `CAA records at ${at} (found by ${way}) ${effects[answer](listed(ca.domains))}: ${written(records)}.`,
    // Only the host's own CNAME is followed to somewhere else.
    `${chain.length > 1 ? `A CNAME leads there, so this is for whoever holds ${at}. ` : ""}${remedies[answer](add, at)}`,
  );
}

type Hindrance = Exclude<CaaAnswer, "allowed">;

const effects: Readonly<Record<Hindrance, (ca: string) => string>> = {
  forbidden: (ca) => `do not let ${ca} issue`,
  "another account": (ca) => `let ${ca} issue to another account alone`,
  "account unknown": (ca) => `let ${ca} issue to one account alone, and ours is not known yet`,
  "another method": (ca) => `do not let ${ca} issue by dns-01`,
  "unknown tag": () => "have a critical tag that no authority knows, so none may issue",
};

const remedies: Readonly<Record<Hindrance, (add: string, at: string) => string>> = {
  forbidden: (add) => `Add ${add}; what stands there may stay.`,
  "another account": (add) => `Add ${add}, or take accounturi out of the record.`,
  "account unknown": (add) =>
    `Look again when the account is there; if it is another, add ${add}, or correct accounturi (RFC 8657).`,
  "another method": (add) => `Add ${add}, or name dns-01 in validationmethods (RFC 8657).`,
  "unknown tag": (_, at) => `Correct the tag, or clear its critical flag (128), at ${at}.`,
};
