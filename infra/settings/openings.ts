import { type FirewallSettings, masterEntry } from "./firewall.ts";

/** Connections that a server accepts. */
export interface InboundOpening {
  protocol: "tcp";
  ports: number[];
  /** Ranges in CIDR notation. */
  from: string[];
}

/** Connections that a server opens. */
export interface OutboundOpening {
  protocol: "tcp" | "udp";
  ports: number[];
  /** Ranges in CIDR notation. */
  to: string[];
}

/** Everything that is open; all else is blocked in both directions (Q-SRV-8). */
export interface Openings {
  inbound: { ssh: InboundOpening; web: InboundOpening };
  /** By name: `salt` for the connection to the vendor, else a name of the settings. */
  outbound: Record<string, OutboundOpening>;
}

/** The ports that no setting can change (NET-1, NET-2). */
const baseline = { ssh: [22], web: [80, 443], master: [4505, 4506] } as const;

/**
 * What the requirements make of the settings (NET-1, NET-2, Q-SRV-3 to Q-SRV-6). The one source of the firewall on the server and of
 * the request that the customer's network department gets. Pure.
 */
export function openingsOf({ management, internal, saltMaster, egress }: FirewallSettings): Openings {
  return {
    inbound: {
      ssh: { protocol: "tcp", ports: [...baseline.ssh], from: management },
      web: { protocol: "tcp", ports: [...baseline.web], from: internal },
    },
    outbound: { ...egress, [masterEntry]: { protocol: "tcp", ports: [...baseline.master], to: saltMaster } },
  };
}
