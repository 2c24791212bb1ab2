import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { byFields } from "../fields.ts";
import type { Kind } from "../kind.ts";
import { HostResource, type Inputs } from "../resource.ts";
import { knockOf, masterPorts, minionId } from "../salt-values.ts";
import { run } from "../step.ts";

/** The addresses by which a server comes to its Salt master. */
export interface SaltSourceArgs {
  /** Name of the minion: its `SaltMinion` knocks with it. */
  minionId: string;
  /** Family and name of the table that notes who knocks: `inet salt_gate`. */
  table: string;
  /** Names of the sets with what was noted, of either family. */
  sets: string[];
}

/** What the master has noted. */
export interface SaltSourceSeen extends SaltSourceArgs {
  /** Addresses as the master sees them, sorted: behind a NAT they are not the server's own. */
  addresses: string[];
}

const fields = {
  minionId,
  table: z
    .string()
    .regex(/^(ip|ip6|inet) [a-z][a-z0-9_-]{0,31}$/, "must be a family and a table, such as `inet salt_gate`"),
  sets: z.array(z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, "must be the name of a set")).min(1),
};

/**
 * Finds out by which external addresses a server reaches its Salt master (NET-3), before the master lets it in: a
 * `SaltMinion` knocks at both ports with segment sizes that follow from its name, the master's firewall notes who does,
 * and this looks there for them. It changes nothing; where nothing has arrived it fails after a minute, and says so.
 *
 * @example
 * const source = new SaltSource("source", {
 *   minionId: "os2mo.kommune.dk",
 *   table: "inet salt_gate",
 *   sets: ["seen_v4", "seen_v6"],
 * }, { provider: master, dependsOn: minion });
 * export const externalAddresses = source.addresses;
 *
 * @importId the minion's name, the table, and the sets, joined by commas.
 */
export class SaltSource extends HostResource<SaltSourceArgs> {
  declare readonly minionId: Output<string>;
  /** Addresses as the master sees them. */
  declare readonly addresses: Output<string[]>;

  constructor(name: string, args: Inputs<SaltSourceArgs>, options?: CustomResourceOptions) {
    super(saltSource.type, name, args, ["addresses"], options);
  }
}

/** The lifecycle of `SaltSource`: it only looks. */
export const saltSource: Kind<SaltSourceArgs, SaltSourceSeen> = {
  type: "onprem:linux:SaltSource",
  summary: "The external addresses by which a server comes to its Salt master.",
  fields,
  identity: ["minionId"],
  check: byFields<SaltSourceArgs>(fields),
  id: ({ minionId: name, table, sets }) => [name, table, ...sets].join(","),
  named(id) {
    const [name = "", table = "", ...sets] = id.split(",");
    const fits = [fields.minionId.safeParse(name), fields.table.safeParse(table), fields.sets.safeParse(sets)];
    return fits.every(({ success }) => success) ? { minionId: name, table, sets } : undefined;
  },

  async observe(host, { minionId: name = "", table = "", sets = [] }) {
    const sources = async () => {
      // Exit 1: no such table or set.
      const list = (set: string) =>
        host.look(["nft", "-j", "list", "set", ...table.split(" "), set], { exits: [0, 1] });
      const answers = await Promise.all(sets.map(list));
      return sourcesOf(
        answers.flatMap(({ stdout }) => knocksOf(stdout)),
        name,
      );
    };
    let addresses = await sources();
    if (addresses.length === 0) {
      // The minion knocks in the same refresh, and may be a moment later than this look.
      await host.look(waitFor({ minionId: name, table, sets }, knockPatience), { exits: [0, 2, 3] });
      addresses = await sources();
    }
    return { minionId: name, table, sets, addresses };
  },

  plan(want, seen) {
    if ((seen?.addresses.length ?? 0) > 0) return [];
    return [
      run(`wait for a knock of ${want.minionId}`, waitFor(want, 60), {
        property: "addresses",
        deadline: 90,
        remedies: {
          3: "Do 4505 and 4506 get from the server through the customer's firewall to the master? The firewall request (`npm run documents`) asks for them. Where a device in between rebuilds connections, set management.salt.externalAddresses.",
        },
      }),
    ];
  },

  remove: () => [],
};

/** Seconds that a look waits for a knock of the same run. */
const knockPatience = 4;

/** Waits until somebody has knocked as this minion does. */
function waitFor({ minionId: name, table, sets }: SaltSourceArgs, seconds: number): string[] {
  const [own, other] = knockOf(name);
  return ["sh", "-c", waitScript, "sh", String(seconds), table, `${own} . 4505`, `${other} . 4506`, ...sets];
}

/** Ends with 0 when it has come, 3 when not, 2 where there is no such set. */
export const waitScript = `seconds=$1 table=$2 one=$3 other=$4
shift 4
for _ in $(seq "$seconds"); do
    for set in "$@"; do
        noted=$(nft list set $table "$set" 2>&1) || { echo "$noted" >&2; exit 2; }
        case $noted in *" . $one"*) case $noted in *" . $other"*) exit 0 ;; esac ;; esac
    done
    sleep 1
done
echo "nothing of this server has arrived at the master's ports 4505 and 4506 within $seconds s" >&2
exit 3`;

/** One note of the master's firewall: who, which segment size, which port. */
type Knock = readonly [address: string, size: number, port: number];

/** The notes of a set whose elements are `address . size . port`, from `nft -j list set`. */
export function knocksOf(json: string): Knock[] {
  const { nftables = [] } = (json.trim() === "" ? {} : JSON.parse(json)) as {
    nftables?: { set?: { elem?: unknown[] } }[];
  };
  return nftables
    .flatMap(({ set }) => set?.elem ?? [])
    .flatMap((element) => {
      const inner = (element as { elem?: { val?: unknown } }).elem?.val ?? element;
      const parts = (inner as { concat?: unknown[] }).concat ?? [];
      const [address, size, port] = parts;
      return typeof address === "string" ? [[address, Number(size), Number(port)] as const] : [];
    });
}

/** Who has knocked at both ports as this minion does. */
export function sourcesOf(knocks: readonly Knock[], name: string): string[] {
  const sizes = knockOf(name);
  const at = (index: number) =>
    new Set(
      knocks
        .filter(([, size, port]) => size === sizes[index] && port === masterPorts[index])
        .map(([address]) => address),
    );
  const [first, second] = [at(0), at(1)];
  return [...first].filter((address) => second.has(address)).sort();
}
