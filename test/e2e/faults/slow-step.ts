import type { MachineStatus } from "../../../lab/status.ts";
import { within } from "../on-lab.ts";
import type { Declared } from "../project/index.ts";
import type { Finished } from "../stack.ts";
import { whenBegun } from "./when-begun.ts";

const unit = "onprem-slow.service";

/** A file, a unit that takes its time to start, and a file that comes after it: something to interrupt in the middle. */
export function slowProgram(seconds: number): Declared[] {
  const text = `[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sleep ${seconds}\n`;
  return [
    { name: "first", type: "File", args: { path: "/etc/onprem-first", content: "first\n" } },
    { name: "slow", type: "SystemdUnit", args: { name: unit, unit: text, running: true }, after: ["first"] },
    { name: "last", type: "File", args: { path: "/etc/onprem-last", content: "last\n" }, after: ["slow"] },
  ];
}

/** Takes away what a case that failed has left on the server. */
export async function slowForgotten(server: MachineStatus): Promise<void> {
  await within(
    server,
    `[ ! -e /var/lib/onprem/guard/current/restore ] || sh /var/lib/onprem/guard/current/restore
    systemctl stop ${unit} 2>/dev/null || :
    rm -rf /srv/onprem-cut /etc/onprem-first /etc/onprem-last /etc/systemd/system/${unit} /var/lib/onprem
    systemctl daemon-reload`,
  );
}

/** How the step is called in errors. */
export const slowTitle = `start ${unit}`;

/** Waits until a run has come to where the unit starts. */
export function slowBegun(server: MachineStatus, finished: Promise<Finished>): Promise<void> {
  return whenBegun(finished, async () => (await slowState(server)) === "activating");
}

/** What systemd says of the unit: `inactive`, `activating`, `active`. */
export function slowState(server: MachineStatus): Promise<string> {
  return within(server, `systemctl is-active ${unit} || :`);
}

/** What the program makes, as the server tells it. */
export function slowStanding(server: MachineStatus): Promise<string> {
  return within(server, `cat /etc/onprem-first /etc/onprem-last 2>&1 || :; systemctl is-active ${unit} || :`);
}

/** What `slowStanding` tells when all of it is there. */
export const slowDone = "first\nlast\nactive";
