import { join } from "node:path";
import { run } from "./command.ts";

/** How a TCP port answers: accepts, answers with a reset, or does not answer (dropped, or prohibited by ICMP). */
export type PortAnswer = "open" | "refused" | "filtered";

/** Every TCP port. */
export const allPorts: readonly number[] = Array.from({ length: 65_535 }, (_, index) => index + 1);

/**
 * Try to connect to TCP ports of `address` from inside a network namespace. A port that has not answered after `timeoutMs` is
 * filtered. Up to 16000 are tried at a time: every port of a host that drops them takes about five times `timeoutMs`, of one that
 * refuses them two seconds. The default timeout leaves room for one repeated SYN (RFC 6298: after 1 s). Needs root.
 */
export async function tcpConnect(
  netnsPath: string,
  address: string,
  ports: readonly number[],
  timeoutMs = 1_500,
): Promise<Map<number, PortAnswer>> {
  const worker = join(import.meta.dirname, "connect-worker.ts");
  const printed = await run(["nsenter", `--net=${netnsPath}`, process.execPath, worker], {
    input: JSON.stringify({ address, ports, timeoutMs }),
  });
  const answers = JSON.parse(printed) as Record<string, "open" | "refused">;
  return new Map(ports.map((port) => [port, answers[port] ?? "filtered"]));
}

/** The ports that gave one answer, ascending. */
export function portsThat(answer: PortAnswer, answers: ReadonlyMap<number, PortAnswer>): number[] {
  return [...answers].flatMap(([port, given]) => (given === answer ? [port] : [])).sort((a, b) => a - b);
}
