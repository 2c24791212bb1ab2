import { run } from "./command.ts";
import { LabError } from "./lab-error.ts";
import { findRunning } from "./machine.ts";

/** A machine of a lab, past its network and its firewall. Its processes are asked for each time: a reboot gives it others. */
export class Inside {
  readonly #lab: string;
  readonly #machine: string;

  constructor(lab: string, machine: string) {
    this.#lab = lab;
    this.#machine = machine;
  }

  /** Runs a script with root's rights to its end, and returns what it printed. */
  async run(script: string, input?: string): Promise<string> {
    const target = String(await this.#leader());
    return run(["nsenter", "--target", target, "--all", "--", "/bin/sh", "-euc", script], {
      ...(input === undefined ? {} : { input }),
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root" },
    });
  }

  /** Its root file system as this machine sees it. */
  async root(): Promise<string> {
    return `/proc/${await this.#leader()}/root`;
  }

  async #leader(): Promise<number> {
    const leader = await findRunning(this.#lab, this.#machine);
    if (leader === undefined) throw new LabError(`${this.#machine} of lab ${this.#lab} does not run`);
    return leader.pid;
  }
}
