import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { allPorts, portsThat, tcpConnect } from "../../lab/probe.ts";
import type { LabStatus, MachineStatus, ServerName, VantageName } from "../../lab/status.ts";

const execute = promisify(execFile);

/** How a server's TCP ports answer at one place; the others do not answer. */
export interface Answers {
  readonly open: readonly number[];
  readonly refused: readonly number[];
}

/** Every TCP port of a server, from each vantage point, over IPv4 and IPv6. */
export type Reach = Readonly<Record<`${VantageName} over ${"IPv4" | "IPv6"}`, Answers>>;

/**
 * Tries every TCP port of a server from every vantage point; about 45 seconds, one place after the other. On a busy machine
 * an answer may come too late, so those of `again` are asked for once more, when nothing else is.
 */
export async function reachOf(lab: LabStatus, server: ServerName, again: readonly number[]): Promise<Reach> {
  const { addresses } = machineOf(lab, server);
  const found: Partial<Record<keyof Reach, Answers>> = {};
  for (const { name, netns } of lab.vantagePoints) {
    for (const family of ["v4", "v6"] as const) {
      const first = await tcpConnect(netns, addresses[family], allPorts);
      const second = await tcpConnect(netns, addresses[family], again);
      for (const [port, answer] of second) if (answer !== "filtered") first.set(port, answer);
      found[`${name} over ${family === "v4" ? "IPv4" : "IPv6"}`] = {
        open: portsThat("open", first),
        refused: portsThat("refused", first),
      };
    }
  }
  return found as Reach;
}

/** The same answers over IPv4 and IPv6. */
export function reach(answers: Readonly<Record<VantageName, Answers>>): Reach {
  return Object.fromEntries(
    Object.entries(answers).flatMap(([name, each]) =>
      ["IPv4", "IPv6"].map((family) => [`${name} over ${family}`, each]),
    ),
  ) as Reach;
}

/** A machine of a lab by name. */
export function machineOf(lab: LabStatus, name: string): MachineStatus {
  const found = lab.machines.find((one) => one.name === name);
  if (found === undefined) throw new Error(`the lab ${lab.name} has no machine ${name}`);
  return found;
}

/** Standard output of a command that runs in a network namespace of this machine. */
export async function inNetwork(netns: string, ...argv: readonly string[]): Promise<string> {
  return (await execute("nsenter", [`--net=${netns}`, "--", ...argv])).stdout;
}
