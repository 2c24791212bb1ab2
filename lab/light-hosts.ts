import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { planAddresses } from "./address-plan.ts";
import { findGroups, removeGroups } from "./cgroup.ts";
import { run } from "./command.ts";
import { privateKeyFile } from "./describe.ts";
import { LabError } from "./lab-error.ts";
import { groupName, saysSsh, supervise } from "./machine.ts";
import { namespaceName } from "./network.ts";
import { runFolder } from "./places.ts";
import { startDaemon, waitUntil } from "./process.ts";
import { recordedNet } from "./registry.ts";
import { lowerFolders, readBaseRecipe } from "./rootfs.ts";

/** A host that is little more than sshd: enough where many are needed, and no systemd. It has the login and key of the lab's servers. */
export interface LightHost {
  readonly name: string;
  readonly address: string;
  /** As in a known_hosts file, without host. All light hosts of a lab have the same key. */
  readonly hostKey: string;
  readonly privateKeyFile: string;
}

/** Most light hosts: the servers' segment has addresses for them from .62 downwards, above those of virtual machines. */
export const mostLightHosts = 40;

const lastAddress = 62;
const prefix = "light";

/** Start light hosts in a lab that is up, beside its servers, in place of any that run. About 10 MB each. Needs root. */
export async function startLightHosts(lab: string, count: number): Promise<LightHost[]> {
  const net = await recordedNet(lab);
  if (net === undefined) throw new LabError(`lab ${lab} is not up`, undefined, `npm run lab -- up --name ${lab}`);
  if (!Number.isInteger(count) || count < 1 || count > mostLightHosts) {
    throw new LabError(`a lab cannot have ${count} light hosts`, `1 to ${mostLightHosts} have an address`);
  }
  await stopLightHosts(lab);
  const folder = join(runFolder(lab), "light-hosts");
  await mkdir(join(folder, "etc/ssh"), { recursive: true, mode: 0o700 });
  await run(["ssh-keygen", "-q", "-A", "-f", folder]);
  await copyFile(`${privateKeyFile(lab)}.pub`, join(folder, "authorized_keys"));
  const [type, key] = (await readFile(join(folder, "etc/ssh/ssh_host_ed25519_key.pub"), "utf8")).split(" ");
  const plan = planAddresses(net);
  const { router, bits } = plan.segments.servers;
  const lower = lowerFolders(await readBaseRecipe());
  const hosts = Array.from({ length: count }, (_, index) => {
    const last = lastAddress - index;
    const address = plan.extraServer(last).v4;
    const name = `${prefix}${last}`;
    return { name, address, hostKey: `${type} ${key}`, privateKeyFile: privateKeyFile(lab) };
  });
  await Promise.all(
    hosts.map(({ name, address }) =>
      startDaemon(
        [
          supervise,
          groupName(lab, name),
          ...(["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--"] as const),
          join(import.meta.dirname, "light-host.sh"),
          ...([lower, folder, name, namespaceName(lab, "router"), `${address}/${bits}`, router.v4] as const),
        ],
        join(folder, "console.log"),
      ),
    ),
  );
  for (const { name, address } of hosts) {
    if (await waitUntil(() => saysSsh(address), 30_000)) continue;
    const why = (await readFile(join(folder, "console.log"), "utf8")).trim().split("\n").slice(-3).join("\n  ");
    throw new LabError(`${name} of lab ${lab} does not answer by SSH at ${address}`, why);
  }
  return hosts;
}

/** End all light hosts of a lab. `downLab` does it too, by the same names. */
export async function stopLightHosts(lab: string): Promise<void> {
  const groups = await findGroups((name) => name.startsWith(groupName(lab, prefix)));
  await removeGroups(groups);
}
