import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { netOfIndex, planAddresses } from "./address-plan.ts";
import { LabError } from "./lab-error.ts";
import { withLock } from "./lock.ts";
import { firstFreeIndex, usedNets } from "./network.ts";
import { labFolder, registryFolder, runFolder } from "./places.ts";
import type { Progress } from "./status.ts";

/** What is remembered of a lab beyond `down`: the subnet, beside the keys in the same folder. */
interface Identity {
  readonly net: string;
}

const identityFile = (lab: string) => join(runFolder(lab), "identity", "lab.json");
const ownerFile = (lab: string) => join(registryFolder, `${lab}.owner`);

/** The subnet recorded for a lab; `undefined` for a name that was never up. */
export async function recordedNet(lab: string): Promise<string | undefined> {
  const text = await readFile(identityFile(lab), "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Identity).net;
}

/** Names of the labs of this cache that were ever up. */
export async function recordedLabs(): Promise<string[]> {
  const names = await readdir(join(labFolder(), "run")).catch(() => []);
  const nets = await Promise.all(names.map(recordedNet));
  return names.filter((_, index) => nets[index] !== undefined).sort();
}

/** Settle the subnet of a lab: the asked one, else the recorded one if nobody took it meanwhile, else the first free one. */
export async function settleNet(
  lab: string,
  asked: string | undefined,
  isUp: boolean,
  progress: Progress,
): Promise<string> {
  return withLock(join(registryFolder, "nets.lock"), progress, async () => {
    const recorded = await recordedNet(lab);
    if (isUp && recorded !== undefined) {
      if (asked === undefined || asked === recorded) return recorded;
      throw new LabError(
        `lab ${lab} is up at ${recorded}, not ${asked}`,
        undefined,
        `take it down first, or leave --net out`,
      );
    }
    const others = await Promise.all((await recordedLabs()).filter((other) => other !== lab).map(recordedNet));
    const routed = await usedNets();
    const used = [...routed, ...others.filter((net) => net !== undefined)];
    const taken = (net: string) => used.some((other) => other.startsWith(net.replace(/0\/24$/, "")));
    if (asked !== undefined) planAddresses(asked);
    if (asked !== undefined && taken(asked)) {
      throw new LabError(
        `${asked} is in use`,
        "another lab or a route of this machine has it",
        "choose another --net, or leave it out",
      );
    }
    const kept = recorded !== undefined && !taken(recorded) ? recorded : undefined;
    const net = asked ?? kept ?? netOfIndex(firstFreeIndex(used));
    await mkdir(join(runFolder(lab), "identity"), { recursive: true, mode: 0o700 });
    await writeFile(identityFile(lab), JSON.stringify({ net } satisfies Identity));
    return net;
  });
}

/** Note that this cache runs the lab. Throws when another cache does: its folder is where the lab's disks and keys are. */
export async function claimLab(lab: string): Promise<void> {
  const owner = await readFile(ownerFile(lab), "utf8").catch(() => undefined);
  if (owner !== undefined && owner !== labFolder()) {
    throw new LabError(
      `lab ${lab} is run from another cache`,
      `its files are in ${owner}`,
      "use that cache (ONPREM_CACHE), or another --name",
    );
  }
  await mkdir(registryFolder, { recursive: true });
  await writeFile(ownerFile(lab), labFolder());
}

/** Forget that this cache runs the lab. */
export async function releaseLab(lab: string): Promise<void> {
  await rm(ownerFile(lab), { force: true });
}

/** The machine-wide lock of one lab's name. */
export const labLock = (lab: string) => join(registryFolder, `${lab}.lock`);
