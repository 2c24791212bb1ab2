import { longestChain } from "./chain.ts";
import { type Evidence, targetOf, tells } from "./evidence.ts";
import { type Expected, suffixOf } from "./expected.ts";
import { type Finding, found, grouped, lineOf, listed } from "./finding.ts";
import { isTold } from "./look-resolver.ts";
import { isWithin } from "./names.ts";
import type { AnsweringResolver, Observation } from "./observation.ts";

/** What is wrong on the way from the record to what stands at its end, as resolvers go it. */
export function judgePath(expected: Expected, observation: Observation, evidence: Evidence): Finding[] {
  const { telling } = evidence;
  const inside = (observation.inside ?? []).filter(tells);
  const everywhere = [...telling, ...inside.map((view) => ({ ...view, resolver: `${view.resolver} (inside)` }))];
  return [
    ...unreachable(expected, observation, evidence),
    ...loops(expected, everywhere),
    ...tooLong(expected, everywhere),
    ...bogus(expected, everywhere),
    ...differing(expected, observation, evidence),
    ...quiet(observation, evidence),
    ...nothingAtEnd(expected, telling),
  ];
}

function labels(views: readonly { readonly resolver: string }[]): string[] {
  return [...new Set(views.map(({ resolver }) => resolver))];
}

function unreachable({ owner }: Expected, { outside, zone }: Observation, { telling }: Evidence): Finding[] {
  if (telling.length > 0) return [];
  const each = outside.map((view) => `${view.resolver} (${"failed" in view ? view.failed : view.rcode})`);
  const where = labels(outside);
  if (outside.every((view) => "failed" in view)) {
    return [
      found(
        "unreachable",
        "wrong",
        where,
        `No outside resolver answers, so nothing can be said of ${owner}: ${listed(each) || "none was given"}.`,
        "Let this machine reach them at port 53, by UDP and TCP, or name other resolvers.",
      ),
    ];
  }
  return [
    found(
      "unreachable",
      "wrong",
      where,
      `No outside resolver can tell of ${owner}: ${listed(each)}.`,
      `SERVFAIL means that they get no answer from the servers of ${zone ?? "its zone"}: those must answer everybody, on port 53 by UDP and TCP. REFUSED means that the resolver does not serve this machine: name another.`,
    ),
  ];
}

function loops(expected: Expected, views: readonly AnsweringResolver[]): Finding[] {
  return grouped(
    views.filter(({ loop }) => loop),
    ({ chain }) => chain.join(" → "),
  ).map(([path, who]) =>
    found(
      "loop",
      "wrong",
      labels(who),
      `The names lead in a circle: ${path} (${listed(labels(who))}).`,
      mend(expected, who),
    ),
  );
}

function tooLong(expected: Expected, views: readonly AnsweringResolver[]): Finding[] {
  return grouped(
    views.filter(({ loop, chain }) => !loop && chain.length > longestChain),
    ({ chain }) => chain.join(" → "),
  ).map(([path, who]) =>
    found(
      "too-long",
      "wrong",
      labels(who),
      `The chain has more than ${longestChain} names, and not every resolver follows it to its end: ${path} (${listed(labels(who))}).`,
      mend(expected, who),
    ),
  );
}

/** Who puts a chain in order: behind the right target, the vendor alone. */
function mend(expected: Expected, [view]: readonly AnsweringResolver[]): string {
  return view !== undefined && targetOf(view) === expected.target
    ? `The record itself is right; what follows stands below ${suffixOf(expected)}, and is the vendor's to mend.`
    : `Make the record lead to its target at once: ${lineOf(expected)}.`;
}

function bogus(expected: Expected, views: readonly AnsweringResolver[]): Finding[] {
  const refused = views.filter(({ bogus }) => bogus !== undefined);
  return grouped(refused, ({ bogus = "" }) => bogus).map(([name, who]) => {
    const vendors = isWithin(name, suffixOf(expected));
    return found(
      "bogus",
      "wrong",
      labels(who),
      `The DNSSEC signatures of ${name} do not hold: ${listed(labels(who))} answer SERVFAIL, and give the record only with checking turned off.`,
      `${vendors ? "The vendor" : "Whoever runs the zone"} must sign it again, or correct the DS record at the registry (https://dnsviz.net/d/${name}/dnssec/ shows where it breaks). A certificate authority that checks, and most do, gets no answer until then.`,
    );
  });
}

/** The zone's servers agree, but a resolver has not heard of it. */
function differing(
  { owner, target }: Expected,
  { zone = "", outside, apex }: Observation,
  evidence: Evidence,
): Finding[] {
  const { byServers, right, witnesses, telling } = evidence;
  if (apex || !byServers || right.length < witnesses.length || telling.length === 0) return [];
  const behind = telling.filter((view) => targetOf(view) !== target);
  const states = behind.map((view) => `${view.resolver} gives ${targetOf(view) ?? "no CNAME"}`);
  const unable = outside.filter((view): view is AnsweringResolver => !("failed" in view) && !tells(view));
  states.push(...unable.map(({ resolver, rcode }) => `${resolver} gives ${rcode}`));
  if (states.length === 0) return [];
  return [
    found(
      "outside-differs",
      "warning",
      labels([...behind, ...unable]),
      `The name servers of ${zone} have the record ${owner}, but ${listed(states)}.`,
      "An old answer stays in a resolver's cache until its time to live has run out; look again then. If it stays so, the zone's servers may not answer that resolver.",
    ),
  ];
}

function quiet({ outside }: Observation, { telling }: Evidence): Finding[] {
  const failed = outside.filter((view) => "failed" in view);
  if (telling.length === 0 || failed.length === 0) return [];
  const each = failed.map(({ resolver, failed }) => `${resolver} (${failed})`);
  return [
    found(
      "server-silent",
      "warning",
      labels(failed),
      `Outside resolvers do not answer this machine: ${listed(each)}.`,
      "Let this machine reach them at port 53, or name others; the rest of the resolvers tell enough.",
    ),
  ];
}

/** The record is right, and what it leads to is not there yet. */
function nothingAtEnd(expected: Expected, telling: readonly AnsweringResolver[]): Finding[] {
  const { owner, target, purpose } = expected;
  const there = telling.filter((view) => targetOf(view) === target && view.bogus === undefined && !view.loop);
  if (there.length === 0 || there.some((view) => view.addresses.length + view.texts.length > 0)) return [];
  // A challenge is there only while a certificate is being issued, so nothing but an error tells of its zone.
  if (purpose === "challenge" && there.some(({ rcode }) => isTold(rcode))) return [];
  const each = there.map(({ resolver, rcode }) => `${resolver}: ${rcode}`);
  return [
    found(
      "no-address",
      "warning",
      labels(there),
      `${owner} is right, but ${purpose === "host" ? `${target} has no address yet` : `${target} cannot be asked for`} (${listed(each)}).`,
      `This is the vendor's task, in the zone of ${suffixOf(expected)}; the customer need do nothing.`,
    ),
  ];
}
