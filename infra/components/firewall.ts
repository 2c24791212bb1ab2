import { ComponentResource, type ComponentResourceOptions, RunError } from "@pulumi/pulumi";
import { type FirewallArgs as RuleArgs, Firewall as Rules } from "../provider/resources/firewall.ts";
import { isAsGoodAsEverybody } from "../settings/addresses.ts";
import { masterEntry } from "../settings/firewall.ts";
import { openingsOf } from "../settings/openings.ts";
import { childOptions } from "./child-options.ts";

/** One more kind of connection that the server may open. */
export interface Egress {
  /** `tcp` or `udp`. */
  protocol: "tcp" | "udp";
  /** Ports at the destination, 1 to 65535. */
  ports: number[];
  /** Ranges or addresses of the destination. */
  to: string[];
}

/** Who may talk to a server, and with whom it may talk; everything else is blocked in both directions (Q-SRV-8). */
export interface FirewallArgs {
  /** Ranges that may use SSH: the VPN or the vendor's network. Never everybody (Q-SRV-5). */
  management: string[];
  /** The customer's own ranges, which may open OS2mo. Never everybody (NET-4, Q-SRV-5). */
  internal: string[];
  /** The vendor's deployment host, which the server is managed from. Never everybody (Q-SRV-6). */
  saltMaster: string[];
  /**
   * What else the server and its containers may reach, by name: name service, time, package sources (Q-SRV-3).
   * @default {}
   */
  additionalEgress?: Record<string, Egress>;
}

/**
 * The firewall of a server as the requirements ask for it.
 *
 * @example
 * new Firewall("firewall", {
 *   management: ["10.20.0.0/24"],
 *   internal: ["10.0.0.0/8", "fd00::/8"],
 *   saltMaster: ["198.51.100.7"],
 *   additionalEgress: { dns: { protocol: "udp", ports: [53], to: ["10.0.0.53"] } },
 * });
 */
export class Firewall extends ComponentResource {
  /** The nftables table. */
  readonly rules: Rules;

  /** @throws RunError when a range is as good as everybody, with every such range */
  constructor(name: string, args: FirewallArgs, options?: ComponentResourceOptions) {
    super("os2mo:server:Firewall", name, {}, options);
    this.rules = new Rules(name, firewallRules(args), childOptions(this, options));
    this.registerOutputs({ rules: this.rules.rules });
  }
}

/**
 * What the requirements make of the settings. Pure.
 *
 * @throws RunError naming each list that is empty, each range that is as good as everybody, each name that is taken
 */
export function firewallRules({ management, internal, saltMaster, additionalEgress = {} }: FirewallArgs): RuleArgs {
  const problems = [
    ...somebody("management", management, "SSH is for the VPN or the vendor's network only (Q-SRV-5)"),
    ...somebody("internal", internal, "OS2mo is offered inside the customer's network only (NET-4)"),
    ...somebody("saltMaster", saltMaster, "4505 and 4506 are opened to the vendor's deployment host only (Q-SRV-6)"),
    ...Object.keys(additionalEgress)
      .filter((name) => name === masterEntry)
      .map(
        (name) => `additionalEgress.${name}: this name is taken by the connection to the vendor, which stays (Q-SRV-3)`,
      ),
  ];
  if (problems.length > 0)
    throw new RunError(`the firewall cannot be made of these settings\n  ${problems.join("\n  ")}`);
  const { inbound, outbound } = openingsOf({ management, internal, saltMaster, egress: additionalEgress });
  return { inbound: { ...inbound }, outbound };
}

function somebody(setting: string, ranges: readonly string[], why: string): string[] {
  if (ranges.length === 0) return [`${setting}: must name at least one range`];
  return ranges.filter(isAsGoodAsEverybody).map((range) => `${setting}: ${range} is as good as everybody; ${why}`);
}
