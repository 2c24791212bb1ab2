import { isInRanges } from "../../infra/provider/ranges.ts";
import { openingsOf } from "../../infra/settings/openings.ts";
import type { Settings } from "../../infra/settings.ts";

/** How a port answers. `silent`: nothing came back; by UDP that may mean anything, unless the question is one that is always answered. */
export type Answer = "open" | "refused" | "silent" | "no route";

/** A connection that one end tries to make to the other. */
export interface Attempt {
  readonly protocol: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
}

/** One thing that must be so, and how it is tried. */
export interface Check {
  /** `here`: from this machine to the server; `server`: from the server outwards. */
  readonly from: "here" | "server";
  /** The opening's name: `ssh`, `web`, `salt`, or one of the settings. */
  readonly name: string;
  readonly attempt: Attempt;
  /** Whether it must get through; the firewall must drop it otherwise. */
  readonly allowed: boolean;
  /** Why it is not allowed, or what makes the answer hard to tell. */
  readonly why?: string;
}

/** An opening that cannot be tried, and why. */
export interface Untried {
  readonly name: string;
  readonly what: string;
  readonly why: string;
}

/**
 * What there is to try of a server's openings (NET-1, NET-2, Q-SRV-3, Q-SRV-8): each as the settings have it. Pure.
 *
 * @param source The address from which this machine's packets go to the server.
 */
export function checksOf(
  { firewall, server }: Pick<Settings, "firewall"> & { server: Pick<Settings["server"], "host"> },
  source: string | undefined,
): { checks: Check[]; untried: Untried[] } {
  const { inbound, outbound } = openingsOf(firewall);
  const inwards = Object.entries(inbound).flatMap(([name, { ports, from }]) => {
    const allowed = source !== undefined && isInRanges(source, from);
    const why = `this machine (${source ?? "without a route"}) is not of ${from.join(", ")}`;
    return ports.map((port): Check => {
      const attempt: Attempt = { protocol: "tcp", address: server.host, port };
      return { from: "here", name, attempt, allowed, ...(allowed ? {} : { why }) };
    });
  });
  const checks: Check[] = inwards;
  const untried: Untried[] = [];
  for (const [name, { protocol, ports, to }] of Object.entries(outbound)) {
    for (const range of to) {
      const address = oneAddress(range);
      for (const port of ports) {
        const what = `${range.replace(/\/(32|128)$/, "")} ${port}/${protocol}`;
        if (address === undefined)
          untried.push({ name, what, why: "a range: which of its addresses answers is not known" });
        else if (protocol === "udp" && port !== 53 && port !== 123)
          untried.push({ name, what, why: "UDP, to which there is no question that is always answered" });
        else checks.push({ from: "server", name, attempt: { protocol, address, port }, allowed: true });
      }
    }
  }
  return { checks, untried };
}

function oneAddress(range: string): string | undefined {
  return /^(.*)\/(32|128)$/.exec(range)?.[1];
}
