import { connect } from "node:net";
import { join } from "node:path";
import { type AddressPlan, planAddresses } from "./address-plan.ts";
import { findGroups, processesOf, removeGroups } from "./cgroup.ts";
import { run, succeeds } from "./command.ts";
import { LabError } from "./lab-error.ts";
import { groupName, supervise } from "./machine.ts";
import { inRouter, namespaceName } from "./network.ts";
import { runFolder } from "./places.ts";
import { startDaemon, waitUntil } from "./process.ts";
import { recordedNet } from "./registry.ts";

/** A line between this machine and a lab's servers that is slow, loses packets, or both. */
export interface SlowLink {
  /** Added round-trip time in milliseconds, half of it in each direction. */
  readonly delay: number;
  /** Per cent of the packets that are lost, in each direction. @default 0 */
  readonly loss?: number;
  /** Start of the random generator that decides which packets are lost. @default 1 */
  readonly seed?: number;
}

/** What went over the line to and from one server since the last reset. */
export interface LineCounts {
  /** IP bytes, those of lost packets included. */
  readonly toHost: number;
  readonly fromHost: number;
  readonly packets: number;
  readonly lost: number;
  /** TCP connections that this machine opened; a repeated SYN counts once. */
  readonly connections: number;
  /** The longest chain of packets of which each waited for the one before, in round trips; see lab/slow-link.pl. */
  readonly roundTrips: number;
}

const program = join(import.meta.dirname, "slow-link.pl");
const part = "slow-link";

/** Its device in this machine's namespace; lab names have up to twelve characters, interface names up to fifteen. */
export const nearDevice = (lab: string) => `sl-${lab}`;
/** Its device in the router's namespace, where it arrives under a name that is free here. */
const farDevice = "slow-link";
const farDeviceHere = (lab: string) => `sf-${lab}`;
const controlSocket = (lab: string) => join(runFolder(lab), "slow-link.socket");

/**
 * Input for `ip -batch` on both sides. More specific routes than those of the lab lead over the line: this machine's to the servers'
 * segment, and the router's to this machine's own address. Everything else of the lab stays as fast as it was.
 */
export function slowLinkBatches(lab: string, plan: AddressPlan): { near: string[]; far: string[] } {
  const { servers } = plan.segments;
  const { controller } = plan.places;
  const near = nearDevice(lab);
  return {
    near: [
      `link set ${near} up txqueuelen 5000`,
      `route add ${servers.v4} dev ${near} src ${controller.v4}`,
      `route add ${servers.v6} dev ${near} src ${controller.v6}`,
    ],
    far: [
      `link set ${farDeviceHere(lab)} name ${farDevice}`,
      `link set ${farDevice} up txqueuelen 5000`,
      `route add ${controller.v4}/32 dev ${farDevice}`,
      `route add ${controller.v6}/128 dev ${farDevice}`,
    ],
  };
}

/** Put a slow line between this machine and the servers of a lab that is up, in place of any that is there. Needs root. */
export async function startSlowLink(lab: string, { delay, loss = 0, seed = 1 }: SlowLink): Promise<void> {
  const net = await recordedNet(lab);
  if (net === undefined) throw new LabError(`lab ${lab} is not up`, undefined, `npm run lab -- up --name ${lab}`);
  if (!(delay >= 0 && delay <= 10_000 && loss >= 0 && loss < 100)) {
    throw new LabError(
      `a line with ${delay} ms and ${loss} % loss cannot be made`,
      "a delay is 0 to 10000 ms, a loss from 0 to below 100 %",
    );
  }
  await stopSlowLink(lab);
  const log = join(runFolder(lab), "slow-link.log");
  const words = ["perl", program, nearDevice(lab), farDeviceHere(lab), `${delay / 2}`, `${loss}`, `${seed}`] as const;
  // Before others in the queue for a processor: a busy machine must not make the line slower than it was asked for.
  await startDaemon([supervise, groupName(lab, part), "nice", "--adjustment=-15", ...words, controlSocket(lab)], log);
  if (!(await waitUntil(() => slowLinkCounts(lab).then(Boolean, () => false), 5_000))) {
    throw new LabError("the slow line does not start", `${log} may say why`, "perl and /dev/net/tun are needed");
  }
  const { near, far } = slowLinkBatches(lab, planAddresses(net));
  await run(["ip", "link", "set", farDeviceHere(lab), "netns", namespaceName(lab, "router")]);
  await run(inRouter(lab, ["ip", "-batch", "-"]), { input: `${far.join("\n")}\n` });
  await run(["ip", "-batch", "-"], { input: `${near.join("\n")}\n` });
}

/** Take the line away; the lab is as fast as before. `downLab` does it too, for it ends every process in the lab's control groups. */
export async function stopSlowLink(lab: string): Promise<void> {
  const groups = () => findGroups((name) => name === groupName(lab, part));
  await removeGroups(await groups());
  // The devices, and with them the routes, end with the process that holds them, a moment after it.
  await waitUntil(async () => !(await succeeds(["ip", "link", "show", "dev", nearDevice(lab)])), 5_000);
}

/** Whether a line is in place. */
export async function slowLinkRuns(lab: string): Promise<boolean> {
  const groups = await findGroups((name) => name === groupName(lab, part));
  return (await Promise.all(groups.map(processesOf))).flat().length > 0;
}

/** What went over the line since the last {@link resetSlowLink}, by the server's address (IPv6 as 32 hexadecimal digits). */
export async function slowLinkCounts(lab: string): Promise<Record<string, LineCounts>> {
  return JSON.parse(await ask(lab, "counts")) as Record<string, LineCounts>;
}

/** Count from zero again. */
export async function resetSlowLink(lab: string): Promise<void> {
  await ask(lab, "reset");
}

function ask(lab: string, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(controlSocket(lab), () => socket.write(`${question}\n`));
    let answer = "";
    socket.setEncoding("utf8").on("data", (text) => {
      answer += text;
    });
    socket.on("error", (cause) =>
      reject(new LabError(`the slow line of lab ${lab} does not answer`, cause.message, undefined, cause)),
    );
    socket.on("end", () => resolve(answer));
  });
}
