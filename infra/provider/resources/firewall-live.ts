import type { Host } from "../host/host.ts";
import { compare, type Listing, parseListing, policyIn, type Read } from "./firewall-listing.ts";
import { type Policy, rulesOf } from "./firewall-rules.ts";

/** What the kernel has in the table, compared with what the host itself prints for such a policy; `undefined` when it has none. */
export async function liveTable(host: Host, table: string, want: Partial<Policy>): Promise<Read | undefined> {
  const guess = isPolicy(want) ? want : undefined;
  // 127: nftables is not installed yet. The listing fails where there is no table; which of both it was, the first look says.
  const [tables, listed, printed] = await Promise.all([
    host.look(["nft", "list", "tables"], { exits: [0, 127] }),
    host.look(["nft", "-s", "-t", "list", "table", "inet", table], { exits: [0, 1, 127] }),
    guess === undefined ? undefined : printedFor(host, table, guess),
  ]);
  if (!tables.stdout.split("\n").includes(`table inet ${table}`)) return undefined;
  // Deleted or made in between the two looks.
  if (listed.code !== 0) return undefined;
  const live = parseListing(listed.stdout);
  const policy = policyIn(live);
  const known = guess !== undefined && same(guess, policy) ? printed : undefined;
  return compare(live, known ?? (await printedFor(host, table, policy)), policy);
}

/**
 * How this host prints the rules of a policy. Releases of nftables print the same rule differently, so it loads them in a
 * network namespace that is thrown away at once, and lists them there. Nothing of the host's own network is touched.
 */
async function printedFor(host: Host, table: string, policy: Policy): Promise<Listing> {
  const script = 'nft -f - && exec nft -s -t list table inet "$1"';
  const argv = ["unshare", "--net", "--", "sh", "-c", script, "sh", table];
  const { stdout } = await host.look(argv, { stdin: rulesOf(table, policy), exits: [0, 127] });
  return parseListing(stdout);
}

/** Whether rules can be made of it: an import gives no entries, and after a refresh strays stand among them. */
function isPolicy(want: Partial<Policy>): want is Policy {
  const names = [...Object.keys(want.inbound ?? {}), ...Object.keys(want.outbound ?? {})];
  return want.inbound !== undefined && !names.some((entry) => entry.startsWith("("));
}

/** Whether two policies let the same through. */
export function same(one: Policy, other: Policy | Read): boolean {
  const text = ({ inbound, outbound, ping, trustedBridges, logDropped }: Policy | Read) =>
    JSON.stringify([
      ...[inbound, outbound].map((entries) =>
        Object.entries(entries)
          .sort(([left], [right]) => (left < right ? -1 : 1))
          .map(([entry, value]) => [entry, Object.entries(value).sort()]),
      ),
      ping,
      trustedBridges,
      logDropped,
    ]);
  return text(one) === text(other);
}
