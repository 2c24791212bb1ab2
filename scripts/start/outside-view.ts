import { BlockList, isIPv6 } from "node:net";
import type { PortAnswer } from "../../lab/probe.ts";

/** Who is let in where: the part of a stack's firewall that can be seen from outside (NET-1, Q-SRV-5). */
export interface OpenTo {
  /** Ranges that may use port 22. */
  readonly management: readonly string[];
  /** Ranges that may use ports 80 and 443. */
  readonly internal: readonly string[];
}

/** The ports that are let in, and some of those that must not be, with what usually listens there. */
export const probedPorts: readonly number[] = [
  22, 80, 443, 21, 23, 25, 53, 111, 2375, 3306, 4505, 5432, 8080, 9100, 65_535,
];

/** One address seen from one place. */
export interface View {
  readonly from: string;
  /** The address that looks. */
  readonly source: string;
  readonly target: string;
  readonly answers: ReadonlyMap<number, PortAnswer>;
}

/** Whether a port must answer to `source`. One that is let in answers even where no program listens yet: with a refusal. */
export function isLetIn(open: OpenTo, source: string, port: number): boolean {
  if (port === 22) return contains(open.management, source);
  return (port === 80 || port === 443) && contains(open.internal, source);
}

/** What is not as it must be in a view: a sentence for what is let in wrongly, one for what is kept out wrongly. */
export function findWrong(open: OpenTo, { answers, from, source, target }: View): string[] {
  const ports = [...answers].map(([port, answer]) => ({ port, answer, letIn: isLetIn(open, source, port) }));
  const wronglyIn = ports.filter(({ letIn, answer }) => !letIn && answer !== "filtered");
  const wronglyOut = ports.filter(
    ({ letIn, answer, port }) => letIn && (answer === "filtered" || (port === 22 && answer !== "open")),
  );
  const list = (found: readonly { port: number; answer: PortAnswer }[]) =>
    found.map(({ port, answer }) => `${port} (${answer})`).join(", ");
  return [
    ...(wronglyIn.length > 0 ? [`${from} ${source} must get no answer from ${target} at ${list(wronglyIn)}`] : []),
    ...(wronglyOut.length > 0 ? [`${from} ${source} must reach ${target} at ${list(wronglyOut)}`] : []),
  ];
}

function contains(ranges: readonly string[], address: string): boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", bits = isIPv6(range) ? "128" : "32"] = range.split("/");
    list.addSubnet(network, Number(bits), isIPv6(network) ? "ipv6" : "ipv4");
  }
  return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
