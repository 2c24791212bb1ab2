import { type chains, type Inbound, type Outbound, type Policy, pingName } from "./firewall-rules.ts";

/** A table as `nft -s -t list table` prints it: without counters and without elements of sets. */
export interface Listing {
  /** Lines by chain: the hook with its policy first where there is one, then the rules. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** What else stands in the table: `set open4`, `map x`; and settings of the table, such as `flags dormant`. */
  readonly others: readonly string[];
  readonly settings: readonly string[];
}

/** Something in the table that we did not put there, or that is gone; its text is the key that it stands under. */
export interface Stray {
  /** Chain where it was found, or should be; `(table)` for a setting of the table itself. */
  chain: string;
}

/** What a table lets through, with everything that is not as it should be. */
export interface Read extends Omit<Policy, "inbound" | "outbound" | "ping" | "trustedBridges"> {
  /** With an entry `(unknown) ...` or `(missing) ...` for each rule that is too many or too few. */
  inbound: Record<string, Inbound | Stray>;
  outbound: Record<string, Outbound | Stray>;
  ping: string[];
  trustedBridges: string[];
  /** What must be deleted before our rules can be loaded: `chain x`, `set y`. */
  foreign: string[];
}

/** Reads what `nft -s -t list table` prints; elements of sets, where they are printed, are left out: ours come and go. */
export function parseListing(text: string): Listing {
  const found = new Map<string, string[]>();
  const others: string[] = [];
  const settings: string[] = [];
  let block: string[] | undefined;
  for (const line of text.split("\n")) {
    const [, kind, name] = /^\t([a-z][a-z ]*) (\S+) \{$/.exec(line) ?? [];
    if (kind !== undefined && name !== undefined) {
      block = [];
      if (kind === "chain") found.set(name, block);
      else others.push(`${kind} ${name}`);
    } else if (line === "\t}") block = undefined;
    else if (block !== undefined && line.trim() !== "") block.push(line.trim());
    else if (line.startsWith("\t")) settings.push(line.trim());
  }
  return { chains: found, others, settings };
}

/** What the rules say, as far as they have the form in which we write them; what is left over shows in {@link compare}. */
export function policyIn({ chains: lines }: Listing): Policy {
  const of = (name: string) => lines.get(name) ?? [];
  const pings = (name: string, side: string) => new Set(of(name).flatMap((line) => ranged(line, pingForm, side)));
  const [answered, sent] = [pings("inbound", "saddr"), pings("outbound", "daddr")];
  return {
    inbound: entries(of("inbound"), "saddr", (entry, from): Inbound => ({ ...entry, from })),
    outbound: entries(of("outbound"), "daddr", (entry, to): Outbound => ({ ...entry, to })),
    ping: [...answered].filter((range) => sent.has(range)).sort(),
    trustedBridges: of("forwarded")
      .flatMap((line) => /^iifname "([^"]*)" jump containers$/.exec(line)?.[1] ?? [])
      .sort(),
    logDropped: of("arriving").some((line) => line.includes('log prefix "firewall: ')),
  };
}

/**
 * What the table holds against what the same host prints for the policy that was read from it: each rule too many is an
 * entry `(unknown) ...`, each one too few an entry `(missing) ...`, and so are hooks and policies of chains.
 */
export function compare(live: Listing, expected: Listing, policy: Policy): Read {
  const strays = { inbound: {} as Record<string, Stray>, outbound: {} as Record<string, Stray> };
  const foreign: string[] = live.others.filter((other) => !expected.others.includes(other));
  const add = (word: string, text: string, chain: string) => {
    const direction = outward.includes(chain) ? strays.outbound : strays.inbound;
    direction[`(${word}) ${text}`] = { chain };
  };
  for (const name of new Set([...expected.chains.keys(), ...live.chains.keys()])) {
    const [has, should] = [live.chains.get(name), expected.chains.get(name)];
    if (should === undefined || hook(has) !== hook(should))
      foreign.push(...(has === undefined ? [] : [`chain ${name}`]));
    const unknown = without(has ?? [], should ?? []);
    const missing = without(should ?? [], has ?? []);
    for (const line of unknown) add("unknown", line, name);
    for (const line of missing) add("missing", line, name);
    const ordered = !(name === "inbound" || name === "outbound");
    if (unknown.length + missing.length === 0 && ordered && has?.some((line, index) => line !== should?.[index])) {
      add("unknown", `order of the rules in ${name}`, name);
    }
  }
  for (const other of foreign) add("unknown", other, other.replace(/.* /, ""));
  for (const setting of live.settings) add("unknown", setting, "(table)");
  return {
    inbound: { ...policy.inbound, ...strays.inbound },
    outbound: { ...policy.outbound, ...strays.outbound },
    ping: [...policy.ping],
    trustedBridges: [...policy.trustedBridges],
    logDropped: policy.logDropped,
    foreign: foreign.sort(),
  };
}

/** Chains whose strays belong to what goes out; all others, foreign ones too, count as inbound. */
const outward: readonly string[] = ["outbound", "containers", "forwarded", "leaving"] satisfies (keyof typeof chains)[];

const address = "(?:ip6? (?<side>[sd]addr) (?<range>[0-9a-f.:]+(?:/[0-9]+)?)|meta nfproto (?<family>ipv[46]))";
const entryForm = new RegExp(
  `^${address} (?<protocol>tcp|udp) dport (?<ports>[0-9]+|\\{ [0-9, ]+ \\}) accept comment "(?<name>[^"]*)"$`,
);
const pingForm = new RegExp(
  `^(?:${address} )?icmp(?<v6>v6)? type echo-request accept comment "${pingName.replace(/[()]/g, "\\$&")}"$`,
);

/** The entries that the rules of one chain spell out; a rule that fits no entry is left over. */
function entries<Entry>(
  lines: readonly string[],
  side: string,
  make: (entry: Pick<Inbound, "protocol" | "ports">, ranges: string[]) => Entry,
): Record<string, Entry> {
  const found = new Map<string, { protocol: string; ports: string; ranges: Set<string> }>();
  for (const line of lines) {
    const { name, protocol, ports } = entryForm.exec(line)?.groups ?? {};
    const [range] = ranged(line, entryForm, side);
    if (name === undefined || protocol === undefined || ports === undefined || range === undefined) continue;
    const entry = found.get(name) ?? { protocol, ports, ranges: new Set() };
    if (entry.protocol === protocol && entry.ports === ports) entry.ranges.add(range);
    found.set(name, entry);
  }
  return Object.fromEntries(
    [...found].map(([name, { protocol, ports, ranges }]) => {
      const numbers = [...ports.matchAll(/\d+/g)].map(Number).sort((one, other) => one - other);
      return [name, make({ protocol: protocol as "tcp" | "udp", ports: numbers }, [...ranges].sort())];
    }),
  );
}

/** The range that a rule of the given form is about, in our form; nothing where the rule has another form. */
function ranged(line: string, form: RegExp, wanted: string): string[] {
  const groups = form.exec(line)?.groups;
  if (groups === undefined) return [];
  const { side, range, family, v6 } = groups;
  if (range === undefined) return [family === "ipv6" || v6 !== undefined ? "::/0" : "0.0.0.0/0"];
  if (side !== wanted) return [];
  return [range.includes("/") ? range : `${range}/${range.includes(":") ? 128 : 32}`];
}

/** A chain's hook and priority, which nothing but a new chain can change; its policy can be set. */
function hook(lines: readonly string[] | undefined): string | undefined {
  return lines?.find((line) => line.startsWith("type "))?.replace(/ policy \w+;/, "");
}

/** Lines of the first list that the second does not have as often. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return lines.filter((line) => {
    const index = left.indexOf(line);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}
