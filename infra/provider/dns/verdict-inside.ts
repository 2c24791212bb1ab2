import { isInRanges } from "../ranges.ts";
import { type Evidence, isSure, targetOf } from "./evidence.ts";
import { type Expected, suffixOf } from "./expected.ts";
import { type Finding, found, lineOf, listed } from "./finding.ts";
import type { AnsweringResolver, Observation } from "./observation.ts";

/** Ranges that resolvers with a protection against rebinding withhold (RFC 1918, 3927, 4193, 6598). */
const privateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10", "fc00::/7"];

/** What the server's own resolvers show otherwise than the world's (Q-SRV-13): users are inside, the CA is outside. */
export function judgeInside(expected: Expected, { inside = [], apex }: Observation, evidence: Evidence): Finding[] {
  if (apex) return [];
  const right = evidence.telling.filter((view) => targetOf(view) === expected.target);
  const outside = [...new Set(right.flatMap(({ addresses }) => addresses))];
  const silent = inside.filter((view) => "failed" in view);
  const answering = inside.filter((view): view is AnsweringResolver => !("failed" in view));
  return [
    ...silent.map(({ resolver, failed }) =>
      found(
        "server-silent",
        "warning",
        [resolver],
        `The server's own resolver ${resolver} does not answer (${failed}), so what is seen inside is not known.`,
        "See that the server may ask it on port 53, by UDP and TCP.",
      ),
    ),
    // Circles and signatures are findings of their own.
    ...answering
      .filter(({ bogus, loop }) => bogus === undefined && !loop)
      .flatMap((view) =>
        targetOf(view) === expected.target
          ? judgeEnd(expected, view, outside)
          : judgeStart(expected, view, evidence, outside),
      ),
  ];
}

/** The record is not there, or leads elsewhere. */
function judgeStart(
  expected: Expected,
  view: AnsweringResolver,
  { telling, right }: Evidence,
  outside: readonly string[],
): Finding[] {
  const { owner, target, purpose } = expected;
  // The same mistake as outside is one finding, not two.
  if (right.length === 0 && isSure(view) && telling.some((other) => targetOf(other) === targetOf(view))) return [];
  const { resolver, addresses } = view;
  const gives = !isSure(view)
    ? `gets ${view.rcode}`
    : targetOf(view) !== undefined
      ? `leads to ${targetOf(view)}`
      : `has no CNAME${addresses.length > 0 ? ` but ${listed(addresses)}` : ""}`;
  const reaches = addresses.length > 0 && addresses.every((address) => outside.includes(address));
  const effect =
    purpose === "challenge"
      ? "Only the certificate authority needs this record, and it asks outside."
      : reaches
        ? "The address is the right one today, and will be wrong when the vendor changes it."
        : "Users are inside, and do not reach the server so.";
  return [
    found(
      "inside-differs",
      purpose === "host" && !reaches ? "wrong" : "warning",
      [resolver],
      `Inside, at ${resolver}, ${owner} ${gives}; it must lead to ${target}. ${effect}`,
      isSure(view)
        ? `If there are two views of the zone (split DNS), create ${lineOf(expected)} in the internal one too (Q-SRV-13); if not, an old answer is in the cache of ${resolver}.`
        : `See why ${resolver} cannot resolve ${owner}: it must be able to ask the internal zone, or forward to a resolver that can.`,
    ),
  ];
}

/** The record is right; what stands at its end may not be. */
function judgeEnd(expected: Expected, view: AnsweringResolver, outside: readonly string[]): Finding[] {
  const { owner, target, purpose } = expected;
  const { resolver, addresses, rcode } = view;
  if (purpose === "challenge" || outside.length === 0) return [];
  if (addresses.some((address) => outside.includes(address))) return [];
  const suffix = suffixOf(expected);
  const said = `Inside, at ${resolver}, ${owner} leads to ${target} as it must, but`;
  if (addresses.length > 0) {
    return [
      found(
        "inside-differs",
        "wrong",
        [resolver],
        `${said} from there to ${listed(addresses)}; outside it is ${listed(outside)}.`,
        `Somebody answers for ${suffix} inside in the vendor's place, or a cache is old: remove that zone or override from ${resolver}, or wait until the time to live has run out.`,
      ),
    ];
  }
  const withheld = outside.filter((address) => isInRanges(address, privateRanges));
  if (withheld.length > 0 && (rcode === "NOERROR" || rcode === "NXDOMAIN" || rcode === "REFUSED")) {
    return [
      found(
        "filtered-inside",
        "wrong",
        [resolver],
        `${said} no address comes with it (${rcode}), while outside it is ${listed(withheld)}: the resolver withholds private addresses in answers from outside (protection against DNS rebinding).`,
        `Make an exception for ${suffix} in ${resolver}, or in what it forwards to: dnsmasq and Pi-hole \`rebind-domain-ok=/${suffix}/\`, Unbound, pfSense and OPNsense \`private-domain: "${suffix}"\`, BIND \`deny-answer-addresses { ... } except-from { "${suffix}"; }\`; in a firewall's DNS filter by its list of exceptions.`,
      ),
    ];
  }
  return [
    found(
      "inside-differs",
      "wrong",
      [resolver],
      `${said} no address comes with it (${rcode}), while outside it is ${listed(outside)}.`,
      `${resolver} must be able to resolve names below ${suffix}: let it ask the Internet, or forward them to a resolver that can.`,
    ),
  ];
}
