import { type CaaAnswer, caaAnswer } from "./caa-policy.ts";
import { type Finding, found, listed } from "./finding.ts";
import { absolute } from "./names.ts";
import type { CaaView, CertificateAuthority, Observation } from "./observation.ts";

/** Whether CAA records let the chosen authority issue (RFC 8659). */
export function judgeCaa({ caa, outside, inside = [] }: Observation): Finding[] {
  if (caa?.failed !== undefined) {
    // Where signatures do not hold, that is why, and it is told already.
    const explained = [...outside, ...inside].some((view) => "bogus" in view);
    return explained ? [] : [unanswered(caa, caa.failed)];
  }
  if (caa?.set === undefined) return [];
  const answer = caaAnswer(caa.set.records, caa.ca);
  return answer === "allowed" ? [] : [forbidden(caa.ca, caa.climbed, caa.set, answer)];
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
  const set = records.map(({ flags, tag, value }) => `${flags} ${tag} ${JSON.stringify(value)}`);
  const add = `\`${absolute(at)} CAA 0 issue "${ca.domains[0] ?? ""}"\``;
  return found(
    "caa",
    answer === "account unknown" ? "warning" : "wrong",
    [at],
    `CAA records at ${at} (found by ${way}) ${effects[answer](listed(ca.domains))}: ${set.join(", ")}.`,
    // Only the host's own CNAME is followed to somewhere else.
    `${chain.length > 1 ? `A CNAME leads there, so this is for whoever holds ${at}. ` : ""}${remedies[answer](add, at, ca.accountUri)}`,
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

const remedies: Readonly<Record<Hindrance, (add: string, at: string, account?: string) => string>> = {
  forbidden: (add) => `Add ${add}; what stands there may stay.`,
  "another account": (add, _, account) =>
    `Add ${account === undefined ? add : add.replace(/"`$/, `; accounturi=${account}"\``)}, or take accounturi out of the record.`,
  "account unknown": (add) =>
    `Look again when the account is there; if it is another, add ${add}, or correct accounturi (RFC 8657).`,
  "another method": (add) => `Add ${add}, or name dns-01 in validationmethods (RFC 8657).`,
  "unknown tag": (_, at) => `Correct the tag, or clear its critical flag (128), at ${at}.`,
};
