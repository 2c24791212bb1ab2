import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { inject } from "vitest";
import { statusLab } from "../../lab/lab.ts";
import type { LabStatus, MachineStatus } from "../../lab/status.ts";
import { Stack, type StackOptions } from "./stack.ts";

const execute = promisify(execFile);

/** The lab of this worker: as many files run side by side as the run has brought labs up. */
export function lab(): LabStatus {
  const labs = inject("labs");
  const found = labs[Number(process.env.VITEST_POOL_ID) - 1];
  if (found === undefined) throw new Error(`worker ${process.env.VITEST_POOL_ID} has none of the ${labs.length} labs`);
  return found;
}

/** A machine of the lab by name. */
export function machine(name: string): MachineStatus {
  const found = lab().machines.find((one) => one.name === name);
  if (found === undefined) throw new Error(`the lab has no machine ${name}`);
  return found;
}

/** The provider's configuration for a machine, as its administrator. */
export function connectionTo({ addresses, fqdn, hostKey, login }: MachineStatus, user = "deploy") {
  return { host: addresses.v4, user, hostKey, privateKeyFile: login.privateKeyFile, label: fqdn };
}

/** A stack of the test program on a machine. */
export function stackOn(
  server: MachineStatus,
  { connection = {}, ...options }: Partial<Pick<StackOptions, "connection" | "secrets" | "backend">> = {},
): Promise<Stack> {
  const env = { ...process.env, ...inject("engine") };
  return Stack.create({ env, connection: { ...connectionTo(server), ...connection }, ...options });
}

/**
 * Runs a shell script on a machine, by its namespaces: a way in that no firewall, sshd or account of ours can close, and
 * that proves what is on the host without the code under test.
 */
export async function within({ name }: MachineStatus, script: string, labName = lab().name): Promise<string> {
  // Asked each time: a reboot gives a machine another leader.
  const status = await statusLab(labName);
  const leader = status?.machines.find((one) => one.name === name)?.leader ?? null;
  if (leader === null) throw new Error(`${name} does not run`);
  const argv = ["--target", String(leader), "--all", "--", "/bin/sh", "-ec", script];
  const { stdout } = await execute("nsenter", argv, {
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", HOME: "/root" },
    maxBuffer: 256 * 1024 * 1024, // a whole journal, for one
  });
  return stdout.trimEnd();
}
