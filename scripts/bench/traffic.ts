import { run } from "../../lab/command.ts";
import { resetSlowLink, slowLinkCounts } from "../../lab/slow-link.ts";
import type { LabStatus } from "../../lab/status.ts";

const table = "onprem_bench";

/** What crossed the router to and from one host, the mean of all, and the round trips of the host with the most. */
export interface Crossed {
  readonly bytesToHost: number;
  readonly bytesFromHost: number;
  readonly connections: number;
  readonly roundTrips?: number;
}

/** Counts what goes between this machine and the servers, by counters of nftables in the router's namespace. */
export class Traffic {
  readonly #lab: LabStatus;
  readonly #slow: boolean;

  private constructor(lab: LabStatus, slow: boolean) {
    this.#lab = lab;
    this.#slow = slow;
  }

  /** @param slow Whether a slow line is in place, which also counts round trips. */
  static async begin(lab: LabStatus, slow: boolean): Promise<Traffic> {
    const servers = lab.machines.filter(({ kind }) => kind === "server").map(({ addresses }) => addresses.v4);
    await nft(lab, ["-f", "-"], counterRules(lab.controller.addresses.v4, servers));
    if (slow) await resetSlowLink(lab.name);
    return new Traffic(lab, slow);
  }

  async end(): Promise<Crossed> {
    const listed = readCounters(await nft(this.#lab, ["-j", "list", "counters", "table", "inet", table]));
    const hosts = listed.size / 3;
    const mean = (kind: string) =>
      [...listed].reduce((sum, [name, value]) => sum + (name.startsWith(kind) ? value : 0), 0) / hosts;
    const crossed = { bytesToHost: mean("to_"), bytesFromHost: mean("from_"), connections: mean("new_") };
    if (!this.#slow) return crossed;
    const line = await slowLinkCounts(this.#lab.name);
    const addresses = this.#lab.machines.filter(({ kind }) => kind === "server").map(({ addresses }) => addresses.v4);
    const counts = addresses.map((address) => line[address]).filter((count) => count !== undefined);
    return {
      ...crossed,
      // Over a line that loses packets the router may see the SYN of one connection twice.
      connections: counts.reduce((sum, { connections }) => sum + connections, 0) / hosts,
      roundTrips: Math.max(0, ...counts.map(({ roundTrips }) => roundTrips)),
    };
  }

  async remove(): Promise<void> {
    await nft(this.#lab, ["delete", "table", "inet", table]).catch(() => undefined); // absent after a failed start
  }
}

/** Rules that only count: bytes each way by address, and connections by their SYN. */
export function counterRules(controller: string, servers: readonly string[]): string {
  const names = servers.map((address) => [address, address.replaceAll(".", "_")] as const);
  return [
    `table inet ${table} {}`,
    `delete table inet ${table}`,
    `table inet ${table} {`,
    ...names.flatMap(([, name]) => ["to", "from", "new"].map((kind) => `  counter ${kind}_${name} {}`)),
    "  chain crossing {",
    "    type filter hook forward priority -300; policy accept;",
    ...names.flatMap(([address, name]) => [
      `    ip saddr ${controller} ip daddr ${address} counter name to_${name}`,
      `    ip saddr ${address} ip daddr ${controller} counter name from_${name}`,
      `    ip saddr ${controller} ip daddr ${address} tcp flags & (syn | ack) == syn counter name new_${name}`,
    ]),
    "  }",
    "}",
    "",
  ].join("\n");
}

/** Counters from `nft -j list counters`: bytes, for connections packets. */
export function readCounters(json: string): Map<string, number> {
  const { nftables } = JSON.parse(json) as {
    nftables: { counter?: { name: string; bytes: number; packets: number } }[];
  };
  return new Map(
    nftables.flatMap(({ counter }) =>
      counter === undefined
        ? []
        : [[counter.name, counter.name.startsWith("new_") ? counter.packets : counter.bytes] as const],
    ),
  );
}

/** nft(8) of a server, for this machine may have none, in the network namespace of the router. */
function nft(lab: LabStatus, words: readonly string[], input?: string): Promise<string> {
  const leader = lab.machines.find(({ kind, leader }) => kind === "server" && leader !== null)?.leader;
  const enter = ["nsenter", "--target", String(leader), "--mount", `--net=${lab.router.netns}`, "--", "nft"] as const;
  return run([...enter, ...words], input === undefined ? {} : { input });
}
