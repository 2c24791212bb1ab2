import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { MachineStatus } from "../../../lab/status.ts";

/** Seconds between the begins of two attempts. */
const pace = 0.25;

/**
 * Tries to log in all the time, each time from the start: TCP, SSH, sudo. It is OpenSSH that tries, so that the code under test does not
 * vouch for itself. `await using access = watchAccess(machine)`.
 *
 * @param patience Seconds after which an attempt has failed; an emulated machine needs more than two to let anybody in.
 */
export function watchAccess(machine: MachineStatus, patience = 2): Access {
  return new Access(machine, patience);
}

class Access implements AsyncDisposable {
  readonly #attempts: { at: number; ended: number; worked: boolean }[] = [];
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;

  constructor(machine: MachineStatus, patience: number) {
    this.#loop = this.#watch(machine, patience);
  }

  /**
   * Waits until an attempt that began after this call has worked, then tells for how many seconds no login was possible: from the begin
   * of the first that failed to the end of the first that worked again. 0 when none failed.
   *
   * @param within Seconds to wait; the promise rejects after them.
   */
  async outage(within = 60): Promise<number> {
    const asked = performance.now();
    while (!this.#attempts.some(({ at, worked }) => worked && at > asked)) {
      if (performance.now() - asked > within * 1000) throw new Error(`no login worked for ${within} s`);
      await sleep(50);
    }
    const first = this.#attempts.findIndex(({ worked }) => !worked);
    if (first < 0) return 0;
    const last = this.#attempts.findLastIndex(({ worked }) => !worked);
    const [from, to] = [this.#attempts[first], this.#attempts[last + 1]];
    return ((to?.ended ?? 0) - (from?.at ?? 0)) / 1000;
  }

  /** Waits until an attempt has failed, or has done so before: whoever reboots a server must not take the old one for the new one. */
  async lost(within = 60): Promise<void> {
    const asked = performance.now();
    while (this.#attempts.every(({ worked }) => worked)) {
      if (performance.now() - asked > within * 1000) throw new Error(`every login worked for ${within} s`);
      await sleep(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #watch(machine: MachineStatus, patience: number): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const at = performance.now();
      const worked = await logsIn(machine, patience, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      this.#attempts.push({ at, ended: performance.now(), worked });
      const rest = pace * 1000 - (performance.now() - at);
      await sleep(Math.max(0, rest), undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }
}

function logsIn({ addresses, login }: MachineStatus, patience: number, signal: AbortSignal): Promise<boolean> {
  const options = {
    BatchMode: "yes",
    ConnectTimeout: `${patience}`,
    StrictHostKeyChecking: "no",
    UserKnownHostsFile: "/dev/null",
    LogLevel: "QUIET",
    IdentitiesOnly: "yes",
    IdentityAgent: "none",
    ControlPath: "none",
  };
  const words = Object.entries(options).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  const argv = [...words, "-F", "none", "-i", login.privateKeyFile, `deploy@${addresses.v4}`, "sudo", "-n", "true"];
  const { promise, resolve } = Promise.withResolvers<boolean>();
  execFile("ssh", argv, { timeout: patience * 1000, killSignal: "SIGKILL", signal }, (error) =>
    resolve(error === null),
  );
  return promise;
}
