import { type Evidence, targetOf, tells, type Witness } from "./evidence.ts";
import type { Expected } from "./expected.ts";
import { type Finding, found, grouped, lineOf, listed } from "./finding.ts";
import { isWithin, upwards } from "./names.ts";
import type { Observation } from "./observation.ts";

/** What is wrong with the record itself, where it stands (DNS-3 to DNS-9). */
export function judgeRecord(expected: Expected, observation: Observation, evidence: Evidence): Finding[] {
  if (observation.apex) return [apex(expected, observation)];
  const { witnesses, right } = evidence;
  const beside = besides(expected, witnesses);
  if (right.length === witnesses.length) return beside;
  if (right.length > 0) return [partial(expected, evidence), ...beside];
  const dotless = witnesses.filter((witness) => lacksDot(expected, witness.target));
  const elsewhere = witnesses.filter(({ target }) => target !== undefined && !lacksDot(expected, target));
  const deeper = witnesses.filter(({ doubled }) => doubled === expected.target || lacksDot(expected, doubled));
  if (dotless.length + elsewhere.length > 0) {
    return [...closingDot(expected, dotless), ...wrongTarget(expected, elsewhere), ...beside];
  }
  return [deeper.length > 0 ? doubled(expected, observation, deeper) : missing(expected, observation, witnesses)];
}

/** Whether a target is the expected one, and after it the zone or another name above the owner. */
function lacksDot({ owner, target }: Expected, seen = ""): boolean {
  return upwards(owner).some((above) => seen === `${target}.${above}`);
}

function places(witnesses: readonly Witness[]): string[] {
  return witnesses.map(({ where }) => where);
}

function apex(expected: Expected, { servers }: Observation): Finding {
  const { owner, purpose } = expected;
  const another =
    purpose === "host"
      ? `choose a host name below it, such as os2mo.${owner}, in the settings and in the records`
      : "move what it is needed for to another name";
  return found(
    "apex",
    "wrong",
    servers.flatMap((server) => ("failed" in server ? [] : [`${server.name} (${server.address})`])),
    `${owner} is the top of a zone: SOA and NS records stand there, beside which no CNAME may stand (RFC 1034, section 3.6.2; DNS-8).`,
    `If the zone was made for this name alone, remove it and its delegation, then create ${lineOf(expected)} in the zone above; else ${another}.`,
  );
}

function missing(expected: Expected, { zone, inside = [] }: Observation, witnesses: readonly Witness[]): Finding {
  const { owner, target } = expected;
  const instead = othersOf(witnesses);
  const hidden = inside.filter(tells).filter((view) => targetOf(view) === target);
  const said = [`${owner} has no CNAME record: asked at ${listed(places(witnesses))}.`];
  // Only registries hold zones of one label.
  const undelegated = zone !== undefined && !zone.includes(".");
  const remedy = [`Create it${zone === undefined || undelegated ? "" : ` in the zone ${zone}`}: ${lineOf(expected)}.`];
  if (undelegated) {
    said.push(
      `Above it there is no zone but ${zone === "" ? "the root" : zone}: the customer's domain does not exist.`,
    );
    remedy.unshift("Look for a slip in the domain's name; if it is right, it must be registered and delegated first.");
  }
  if (instead.length > 0) {
    said.push(`In its place there stand: ${instead.join("; ")}.`);
    remedy.unshift(
      "Remove what stands at this name itself; what comes from a wildcard may stay. Where a CNAME was entered and the provider answers with addresses (proxy, flattening, ALIAS), turn that off.",
    );
  }
  if (hidden.length > 0) {
    said.push(
      `Inside it is right (${listed(hidden.map(({ resolver }) => resolver))}): it was created in the internal zone alone.`,
    );
    remedy.push("The certificate authority asks from outside, so it must also stand in the public zone (Q-SRV-13).");
  }
  return found("missing", "wrong", places(witnesses), said.join(" "), remedy.join(" "));
}

function wrongTarget(expected: Expected, witnesses: readonly Witness[]): Finding[] {
  if (witnesses.length === 0) return [];
  const { owner, target, purpose } = expected;
  const seen = grouped(witnesses, (witness) => witness.target ?? "");
  const label = purpose === "challenge" && seen.some(([wrong]) => target === `${owner.split(".")[0]}.${wrong}`);
  const said = seen.map(([wrong, who]) => `to ${wrong} at ${listed(places(who))}`);
  return [
    found(
      "wrong-target",
      "wrong",
      places(witnesses),
      `${owner} leads ${listed(said)}; it must lead to ${target}.${label ? " The label _acme-challenge must stand first on both sides (DNS-6)." : ""}`,
      `Change the record to ${lineOf(expected)}; if what is seen comes from a wildcard, create this record beside it.`,
    ),
  ];
}

function closingDot(expected: Expected, witnesses: readonly Witness[]): Finding[] {
  return grouped(witnesses, (witness) => witness.target ?? "").map(([wrong, who]) =>
    found(
      "closing-dot",
      "wrong",
      places(who),
      `${expected.owner} leads to ${wrong}: the closing dot of the target was left out, and the DNS server put ${wrong.slice(expected.target.length + 1)} behind it (DNS-9).`,
      `Enter the target with a dot at its end: ${lineOf(expected)}.`,
    ),
  );
}

function doubled(expected: Expected, { zone = "" }: Observation, witnesses: readonly Witness[]): Finding {
  const { owner } = expected;
  const short = isWithin(owner, zone) ? owner.slice(0, -zone.length - 1) : owner;
  return found(
    "owner-doubled",
    "wrong",
    places(witnesses),
    `${owner} has no CNAME record, but ${owner}.${zone} has: the zone's name was put behind the owner once more (DNS-9; seen at ${listed(places(witnesses))}).`,
    `Remove that record and create it in the zone ${zone} by the name \`${short}\`, or with a closing dot: ${lineOf(expected)}.`,
  );
}

function partial(expected: Expected, { witnesses, right, byServers }: Evidence): Finding {
  const { owner, target } = expected;
  const rest = witnesses.filter((witness) => !right.includes(witness));
  const states = grouped(rest, (witness) =>
    witness.target === undefined ? "no CNAME" : `a CNAME to ${witness.target}`,
  );
  const has = states.map(([state, who]) => `${state} at ${listed(places(who))}`);
  return found(
    "partial",
    "wrong",
    places(rest),
    `${owner} leads to ${target} at ${listed(places(right))}, but there is ${listed(has)}.`,
    byServers
      ? "If it was changed just now, wait for the transfer to these servers. If it stays so, compare the zone's serial numbers (SOA) and see why they do not get the new zone: notify, transfer permission, or a second copy that is kept by hand."
      : "If it was changed just now, wait until the old answer has run out of the caches. If it stays so, the zone's servers differ: compare its serial numbers (SOA) at each.",
  );
}

function besides({ owner }: Expected, witnesses: readonly Witness[]): Finding[] {
  const crowded = witnesses.filter(({ target, others }) => target !== undefined && others.length > 0);
  if (crowded.length === 0) return [];
  return [
    found(
      "other-records",
      "wrong",
      places(crowded),
      `Beside the CNAME at ${owner} there stand: ${othersOf(crowded).join("; ")} (${listed(places(crowded))}). A name with a CNAME holds nothing else (RFC 1034, section 3.6.2; DNS-8).`,
      "Remove them, or move them to another name; only the CNAME stays.",
    ),
  ];
}

function othersOf(witnesses: readonly Witness[]): string[] {
  return [...new Set(witnesses.flatMap(({ others }) => others.map(({ type, data }) => `${type} ${data}`)))].sort();
}
