import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Words } from "./command.ts";
import { LabError } from "./lab-error.ts";
import type { LabStatus, Login } from "./status.ts";

/** A lab's state for a reader. Of one that is down it says what it will have again: addresses, and no more. */
export function statusTable(status: LabStatus): string {
  const machines = status.machines.map(({ name, state, addresses, leader, kind }) => [
    name,
    state,
    addresses.v4,
    addresses.v6,
    leader === null ? "" : `pid ${leader}`,
    kind === "virtual-machine" ? "virtual machine" : "",
  ]);
  const vantages = status.vantagePoints.map(({ name, netns, addresses }) => [
    name,
    "",
    addresses.v4,
    addresses.v6,
    netns,
    "",
  ]);
  const controller = [
    "this machine",
    "",
    status.controller.addresses.v4,
    status.controller.addresses.v6,
    status.controller.interface,
    "",
  ];
  const services = Object.entries(status.services).map(([name, { addresses, protocol, ports }]) => [
    name,
    "",
    addresses.v4,
    addresses.v6,
    `${protocol} ${ports.join(", ")}`,
    "",
  ]);
  const head = `lab ${status.name}: ${status.state}, ${status.ranges.v4} and ${status.ranges.v6}`;
  if (status.state === "down") return [head, "", ...columns(machines), ""].join("\n");
  const login = status.machines[0]?.login;
  return [
    head,
    "",
    ...columns([...machines, [], ...vantages, controller, [], ...services]),
    "",
    ...(login ? [describeLogin(login)] : []),
    "",
  ].join("\n");
}

function describeLogin({ users: [usual, ...others], privateKeyFile }: Login): string {
  return `log in as ${usual} with ${privateKeyFile}; as ${others.join(", ")} only until an update hardens sshd`;
}

/** Rows as lines whose cells stand below each other; an empty row is an empty line. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(width(column)))
      .join("  ")
      .trimEnd(),
  );
}

/** The ssh(1) call that logs in on a machine of the lab, its pinned host key written beside the login key. */
export async function shellWords(
  status: LabStatus | undefined,
  host: string | undefined,
  user: string,
  remote: readonly string[],
): Promise<Words> {
  const machine = status?.machines.find(({ name }) => name === host);
  if (!status || !machine) {
    const known = status?.machines.map(({ name }) => name).join(", ");
    throw new LabError(
      host === undefined ? "shell needs the name of a machine" : `there is no machine "${host}"`,
      known === undefined ? "the lab was never up" : `lab ${status?.name} has ${known}`,
    );
  }
  const { privateKeyFile } = machine.login;
  const knownHosts = join(dirname(privateKeyFile), "known_hosts");
  const lines = status.machines.map(({ addresses, hostKey }) => `${addresses.v4},${addresses.v6} ${hostKey}\n`);
  await writeFile(knownHosts, lines.join(""));
  return [
    "ssh",
    "-F",
    "none",
    "-i",
    privateKeyFile,
    "-o",
    "IdentitiesOnly=yes",
    "-o",
    "StrictHostKeyChecking=yes",
    "-o",
    `UserKnownHostsFile=${knownHosts}`,
    `${user}@${machine.addresses.v4}`,
    ...(remote.length > 0 ? ["--", ...remote] : []),
  ];
}
