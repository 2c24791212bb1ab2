import { isInRanges } from "../../infra/provider/ranges.ts";
import { openingsOf } from "../../infra/settings/openings.ts";
import { isLoopback } from "../../infra/settings/server-address.ts";
import type { Settings } from "../../infra/settings.ts";

/** How a port answers. `silent`: nothing came back; by UDP that may mean anything, unless the question is one that is always answered. */
export type Answer = "open" | "refused" | "silent" | "no route";

/** A connection that one end tries to make to the other. */
export interface Attempt {
  readonly protocol: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
}

/** `here`: from this machine to the server; `server`: from the server outwards. */
export type End = "here" | "server";

/** One thing that must be so, and how it is tried. */
export interface Check {
  readonly from: End;
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
  readonly from: End;
  readonly name: string;
  readonly what: string;
  readonly why: string;
}

/** What there is to try, and what there is that cannot be. */
export interface Checks {
  readonly checks: readonly Check[];
  readonly untried: readonly Untried[];
}

/** What the checks need of a stack's settings. */
export type VerifySettings = Pick<Settings, "firewall"> & {
  server: Pick<Settings["server"], "host" | "port" | "jump">;
};

/**
 * What there is to try of a server's openings (NET-1, NET-2, Q-SRV-3, Q-SRV-8): each as the settings have it. Pure.
 *
 * @param source The address from which this machine's packets go to the server; `undefined` where none do.
 */
export function checksOf(settings: VerifySettings, source: string | undefined): Checks {
  const [inwards, outwards] = [inwardsOf(settings, source), outwardsOf(settings)];
  return {
    checks: [...inwards.checks, ...outwards.checks],
    untried: [...inwards.untried, ...outwards.untried],
  };
}

function inwardsOf({ firewall, server }: VerifySettings, source: string | undefined): Checks {
  const openings = Object.entries(openingsOf(firewall).inbound).flatMap(([name, { ports, from }]) =>
    ports.map((port) => ({ name, port, from })),
  );
  const elsewhere = whyElsewhere(server);
  if (elsewhere !== undefined || source === undefined) {
    const why = elsewhere ?? `this machine has no route to ${server.host}, or does not know that name`;
    return {
      checks: [],
      untried: openings.map(({ name, port }) => ({ from: "here", name, what: `${port}/tcp`, why })),
    };
  }
  const checks = openings.map(({ name, port, from }): Check => {
    const allowed = isInRanges(source, from);
    const attempt: Attempt = { protocol: "tcp", address: server.host, port };
    const why = `this machine (${source}) is not of ${from.join(", ")}`;
    return { from: "here", name, attempt, allowed, ...(allowed ? {} : { why }) };
  });
  return { checks, untried: [] };
}

/** Why the ports of `server.host`, tried from this machine, are not the server's own. */
function whyElsewhere({ host, port, jump }: VerifySettings["server"]): string | undefined {
  if (jump !== undefined)
    return `the way to the server is the jump host ${jump.host}; its ports are not seen from here`;
  if (isLoopback(host)) return `${host} is this machine's own end of a tunnel, not the server`;
  if (port !== 22) return `SSH is reached at port ${port}, so ${host} may be a host in between, with ports of its own`;
  return undefined;
}

function outwardsOf({ firewall }: VerifySettings): Checks {
  const checks: Check[] = [];
  const untried: Untried[] = [];
  for (const [name, { protocol, ports, to }] of Object.entries(openingsOf(firewall).outbound)) {
    for (const range of to) {
      const address = oneAddress(range);
      for (const port of ports) {
        const what = `${range.replace(/\/(32|128)$/, "")} ${port}/${protocol}`;
        const not = (why: string) => untried.push({ from: "server", name, what, why });
        if (address === undefined) not("a range: which of its addresses answers is not known");
        else if (protocol === "udp" && port !== 53 && port !== 123)
          not("UDP, to which there is no question that is always answered");
        else checks.push({ from: "server", name, attempt: { protocol, address, port }, allowed: true });
      }
    }
  }
  return { checks, untried };
}

function oneAddress(range: string): string | undefined {
  return /^(.*)\/(32|128)$/.exec(range)?.[1];
}
