import { run } from "./command.ts";
import { LabError } from "./lab-error.ts";
import { inRouter } from "./network.ts";
import type { LabStatus } from "./status.ts";

/** Source ports that a NAT gives to what it lets out: 1 to 65535. */
export interface NatPorts {
  readonly first: number;
  readonly last: number;
}

/**
 * A NAT in front of a lab's servers, as customers have one: what they send to the vendor over IPv4 leaves with the router's
 * address in the vendor's segment, and a port of these. Done again, all connections through it are forgotten and get
 * other ports, as when a NAT restarts; for a moment nothing passes. Gone with the lab's network.
 *
 * @returns The external address of the servers.
 */
export async function placeNat(lab: LabStatus, { first, last }: NatPorts): Promise<string> {
  const servers = lab.segments.servers.v4;
  const rules = `table ip nat
delete table ip nat
table ip nat {
  chain postrouting {
    type nat hook postrouting priority srcnat
    ip saddr ${servers} oifname "vendor" meta l4proto { tcp, udp } masquerade to :${first}-${last}
    ip saddr ${servers} oifname "vendor" masquerade
  }
}
`;
  // nft(8) of a server, for this machine may have none, in the router's network.
  const leader = lab.machines.find(({ kind, leader }) => kind === "server" && leader !== null)?.leader;
  if (leader == null) throw new LabError(`lab ${lab.name} has no server that runs`);
  const nft = ["nsenter", "--target", String(leader), "--mount", `--net=${lab.router.netns}`, "--", "nft"] as const;
  await run([...nft, "-f", "-"], { input: rules });
  const router = lab.segments.vendor.v4.replace(/\.(\d+)\/(\d+)$/, (_, start, bits) => `.${Number(start) + 1}/${bits}`);
  // The kernel forgets what it has masqueraded by an interface that loses its address (nf_nat_masquerade).
  await run(inRouter(lab.name, ["ip", "addr", "del", router, "dev", "vendor"]));
  await run(inRouter(lab.name, ["ip", "addr", "add", router, "dev", "vendor"]));
  return router.replace(/\/.*/, "");
}
