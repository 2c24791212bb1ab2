import { setTimeout as sleep } from "node:timers/promises";
import type { SshHost } from "../../infra/provider/host/ssh-host.ts";
import { downLab, statusLab, upLab } from "../../lab/lab.ts";
import type { LabStatus, MachineStatus, ServerName } from "../../lab/status.ts";
import { within } from "./on-lab.ts";
import { labHost } from "./resources/lifecycle.ts";

/** A lab of one test file, for tests that reboot servers and shut everybody out. The next run removes what a killed one leaves. */
export class OwnLab {
  #status: LabStatus;

  private constructor(status: LabStatus) {
    this.#status = status;
  }

  static async up(): Promise<OwnLab> {
    return new OwnLab(await upLab({ name: `t${process.pid}f`, progress: () => undefined }));
  }

  async down(): Promise<void> {
    await downLab(this.#status.name, { forget: true, progress: () => undefined });
  }

  get status(): LabStatus {
    return this.#status;
  }

  machine(name: string): MachineStatus {
    const found = this.#status.machines.find((one) => one.name === name);
    if (found === undefined) throw new Error(`the lab has no machine ${name}`);
    return found;
  }

  /** Runs a shell script on a machine, past every firewall; its standard output. */
  within(name: string, script: string): Promise<string> {
    return within(this.machine(name), script, this.#status.name);
  }

  host(server: ServerName): Promise<SshHost> {
    return labHost(this.#status, server, "deploy");
  }

  /** Reboots a server and waits, at most a minute, until its last boot job is done. */
  async reboot(server: ServerName): Promise<void> {
    const { leader } = this.machine(server);
    await this.within(server, "systemctl --no-block reboot");
    for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(200)) {
      const status = await statusLab(this.#status.name);
      const now = status?.machines.find(({ name }) => name === server)?.leader ?? null;
      if (status === undefined || now === null || now === leader) continue;
      this.#status = status;
      // `degraded`: a unit failed, and what that means is for the test to judge.
      const state = await this.within(server, "systemctl is-system-running --wait || true").catch(() => "unreachable");
      if (["running", "degraded"].includes(state)) return;
    }
    throw new Error(`${server} did not come back within a minute`);
  }
}
