import { run } from "./command.ts";
import { inRouter } from "./network.ts";

/** Which source ports a NAT gives to what it lets out. */
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
export async function placeNat(lab: string, servers: string, external: string, { first, last }: NatPorts): Promise<string> {
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
  await run(inRouter(lab, ["nft", "-f", "-"]), { input: rules });
  // The kernel forgets what it has masqueraded by an interface that loses its address (nf_nat_masquerade).
  await run(inRouter(lab, ["ip", "addr", "del", external, "dev", "vendor"]));
  await run(inRouter(lab, ["ip", "addr", "add", external, "dev", "vendor"]));
  return external.replace(/\/.*/, "");
}
