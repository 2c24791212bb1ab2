import type { Reply } from "./ask.ts";
import { endOf, follow } from "./chain.ts";
import { NoAnswer } from "./exchange.ts";
import { isTold } from "./look-resolver.ts";
import { upwards } from "./names.ts";
import type { CaaView, CertificateAuthority } from "./observation.ts";
import { recordsOf } from "./resource-record.ts";

/**
 * Finds the CAA records that count for a host name, as a CA does (RFC 8659, section 3): at the name, else at the next above,
 * up to the top-level domain. What is above the target of a CNAME does not count.
 *
 * @param askFor Asks for the CAA records of a name, and follows its CNAMEs as a resolver does.
 */
export async function lookForCaa(
  askFor: (name: string) => Promise<Reply | NoAnswer>,
  host: string,
  ca: CertificateAuthority,
): Promise<CaaView> {
  const climbed: string[] = [];
  for (const name of upwards(host)) {
    climbed.push(name);
    const reply = await askFor(name);
    if (reply instanceof NoAnswer) return { ca, climbed, failed: { name, why: "no answer" } };
    if (!isTold(reply.rcode)) return { ca, climbed, failed: { name, why: reply.rcode } };
    const chain = follow(name, reply.answers);
    const records = recordsOf(reply.answers, "CAA", endOf(chain)).map(({ data }) => data);
    if (records.length > 0) return { ca, climbed, set: { chain: chain.names, records } };
  }
  return { ca, climbed };
}
