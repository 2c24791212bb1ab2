import { isAnywhere, isV4 } from "./firewall-range.ts";

/** One kind of connection that may come in. */
export interface Inbound {
  /** `tcp` or `udp`. */
  protocol: "tcp" | "udp";
  /** Ports of this host that are asked for, 1 to 65535, before any translation to a container's port. */
  ports: number[];
  /** Ranges or addresses that may ask; everybody is `0.0.0.0/0` and `::/0`. */
  from: string[];
}

/** One kind of connection that may go out. */
export interface Outbound {
  /** `tcp` or `udp`. */
  protocol: "tcp" | "udp";
  /** Ports at the destination, 1 to 65535. */
  ports: number[];
  /** Ranges or addresses of the destination; everybody is `0.0.0.0/0` and `::/0`. */
  to: string[];
}

/** What a table lets through; everything else is blocked. */
export interface Policy {
  inbound: Record<string, Inbound>;
  outbound: Record<string, Outbound>;
  /** Ranges that may ping the host, and that it may ping. */
  ping: readonly string[];
  /** Names of the bridges of containers; a star at the end stands for anything. */
  trustedBridges: readonly string[];
  logDropped: boolean;
}

/** The comment on the rules for ping; no entry can have this name. */
export const pingName = "(ping)";

/** The chains, in the order in which they are made. Those with a hook are called by the kernel, the others by these. */
export const chains = {
  tracking: undefined,
  inbound: undefined,
  outbound: undefined,
  containers: undefined,
  // After connection tracking (-200) and before Docker's translation of published ports (-100): what was asked for still
  // stands in the packet. A rule at the input hook would never see a published port (moby#22054).
  arriving: "type filter hook prerouting priority -110; policy drop;",
  forwarded: "type filter hook forward priority 0; policy drop;",
  leaving: "type filter hook output priority 0; policy drop;",
} as const;

const sets = `	set open4 {
		type ipv4_addr . inet_service . ipv4_addr . inet_service
		flags timeout
	}
	set open6 {
		type ipv6_addr . inet_service . ipv6_addr . inet_service
		flags timeout
	}
`;

/** The kernel follows connections of a network from the first rule on that asks about them, reached or not. */
const tracking = ["ct state new"];

/** How long a connection that was open at load time may stay silent: as long as the kernel's own memory of one lasts. */
const patience = "5d";

/**
 * The whole ruleset, for nft(8): one transaction that keeps the chains, for a chain that is deleted and made again lets
 * packets through in between.
 *
 * @param foreign What stands in the table and must go first: `chain x`, `set y`.
 */
export function rulesOf(table: string, policy: Policy, foreign: readonly string[] = []): string {
  const declared = Object.entries(chains).map(([name, hook]) => chain(name, hook === undefined ? [] : [hook]));
  const filled = Object.entries(contents(policy)).map(([name, rules]) => chain(name, rules));
  const deletions = foreign
    // Elements of a map may point to chains, and must be gone before them.
    .toSorted((one, other) => Number(one.startsWith("chain ")) - Number(other.startsWith("chain ")))
    .map((thing) => `delete ${thing.replace(/ (\S+)$/, ` inet ${table} $1`)}\n`);
  const emptied =
    deletions.length === 0 ? "" : `table inet ${table} {\n}\nflush table inet ${table}\n${deletions.join("")}`;
  // The sets stand in both blocks: nftables 0.9.3 looks for them only in the block that uses them.
  return `${emptied}table inet ${table} {
${sets}${declared.join("")}}
flush table inet ${table}
table inet ${table} {
${sets}${filled.join("")}}
`;
}

/** Makes the kernel follow connections, and blocks nothing. Changes no rule of a table that is loaded. */
export function trackingOf(table: string): string {
  return `table inet ${table} {
${sets}${chain("tracking", [])}}
flush chain inet ${table} tracking
table inet ${table} {
${chain("tracking", tracking)}}
`;
}

/**
 * Lets every TCP connection that is open now live on. The kernel does not know those from before it began to follow
 * connections: the next packet of an idle one would count as new, and be dropped when the wrong side speaks first.
 * Packets without ACK, and so new connections, are not let through by this. For sh(1) with the table's name as $1.
 */
export const keepOpenScript = `open=$(ss -Htn state established state close-wait state fin-wait-1 state fin-wait-2 state closing state last-ack)
printf '%s\\n' "$open" | awk -v table="$1" '
function address(socket) {
	sub(/:[0-9]+$/, "", socket)
	gsub(/[][]|%.*/, "", socket)
	sub(/^::ffff:/, "", socket)
	return socket
}
function port(socket) {
	sub(/.*:/, "", socket)
	return socket
}
NF >= 2 {
	here = address($(NF - 1))
	there = address($NF)
	if (there ~ /^127\\./ || there == "::1") next
	print "add element inet " table " " (there ~ /:/ ? "open6" : "open4") " { " there " . " port($NF) " . " here " . " port($(NF - 1)) " timeout ${patience} }"
}' | nft -f -
`;

function contents({ inbound, outbound, ping, trustedBridges, logDropped }: Policy): Record<string, string[]> {
  const log = (what: string) =>
    logDropped ? [`limit rate 5/second burst 10 packets log prefix "firewall: ${what}: " level info`] : [];
  const answers = "ct state established,related accept";
  const refuse = "reject with icmpx type admin-prohibited";
  return {
    tracking,
    inbound: [
      ...entries(inbound, ({ from }) => from, "saddr"),
      ...ping.map((range) => `${pinging(range, "saddr")} accept comment "${pingName}"`),
    ],
    outbound: [
      ...entries(outbound, ({ to }) => to, "daddr"),
      ...ping.map((range) => `${pinging(range, "daddr")} accept comment "${pingName}"`),
    ],
    containers: [
      ...trustedBridges.map((name) => `oifname "${name}" accept`),
      "jump outbound",
      ...log("container to outside"),
      refuse,
    ],
    arriving: [
      answers,
      "ip saddr . tcp sport . ip daddr . tcp dport @open4 tcp flags ack accept",
      "ip6 saddr . tcp sport . ip6 daddr . tcp dport @open6 tcp flags ack accept",
      "ct state invalid drop",
      'iifname "lo" accept',
      // Without these IPv6 does not work at all; the kernel itself takes them from the same link only (RFC 4890, 4.4.1).
      "icmpv6 type { mld-listener-query, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept",
      "fib daddr type local jump inbound",
      // On its way through: judged in `forwarded`. What asks for the host itself was judged above, from a container too.
      ...trustedBridges.map((name) => `fib daddr type != local iifname "${name}" accept`),
      ...log("from outside"),
    ],
    forwarded: [
      answers,
      "ct state invalid drop",
      ...trustedBridges.map((name) => `iifname "${name}" jump containers`),
      // Asked for a published port of the host and was let in by `inbound`.
      "ct status dnat accept",
    ],
    leaving: [
      answers,
      'oifname "lo" accept',
      ...trustedBridges.map((name) => `oifname "${name}" accept`),
      "ip daddr . tcp dport . ip saddr . tcp sport @open4 tcp flags ack accept",
      "ip6 daddr . tcp dport . ip6 saddr . tcp sport @open6 tcp flags ack accept",
      "ct state invalid drop",
      "icmpv6 type { mld-listener-report, mld-listener-done, nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report } accept",
      "jump outbound",
      ...log("to outside"),
      // Said at once, where a program would wait for minutes after a silent drop.
      refuse,
    ],
  };
}

/** One rule per entry and range, the entry's name as its comment. */
function entries<Entry extends { protocol: string; ports: number[] }>(
  named: Record<string, Entry>,
  ranges: (entry: Entry) => string[],
  side: "saddr" | "daddr",
): string[] {
  return Object.keys(named)
    .sort()
    .flatMap((name) => {
      const entry = named[name] as Entry;
      const ports = entry.ports.length === 1 ? `${entry.ports[0]}` : `{ ${entry.ports.join(", ")} }`;
      return ranges(entry).map((range) => {
        const family = isV4(range) ? "ipv4" : "ipv6";
        const who = isAnywhere(range) ? `meta nfproto ${family}` : address(range, side);
        return `${who} ${entry.protocol} dport ${ports} accept comment "${name}"`;
      });
    });
}

function pinging(range: string, side: "saddr" | "daddr"): string {
  const echo = isV4(range) ? "icmp type echo-request" : "icmpv6 type echo-request";
  return isAnywhere(range) ? echo : `${address(range, side)} ${echo}`;
}

function address(range: string, side: "saddr" | "daddr"): string {
  return `${isV4(range) ? "ip" : "ip6"} ${side} ${range}`;
}

function chain(name: string, lines: readonly string[]): string {
  return `	chain ${name} {\n${lines.map((line) => `\t\t${line}\n`).join("")}\t}\n`;
}
