import { posix } from "node:path";
import type { Guard } from "../step.ts";

/** Where a host keeps what it needs to undo a change. */
export const guardRoot = "/var/lib/onprem/guard";

/** One guarded change, known to the host by its id. */
export interface GuardedChange {
  /** The guard's name and some random digits: `firewall-1f3b9c20`. */
  readonly id: string;
  readonly guard: Guard;
  /** Seconds until the host undoes it. */
  readonly seconds: number;
  /** Who makes the change: `anna@laptop`. */
  readonly by: string;
}

/** Units that exist only while a change waits. What lies in /run is gone after a reboot; that is how the others know. */
export const units = {
  timer: "/run/systemd/system/onprem-guard.timer",
  now: "/run/systemd/system/onprem-guard.service",
  files: "/etc/systemd/system/onprem-guard-files.service",
  boot: "/etc/systemd/system/onprem-guard-boot.service",
} as const;

/** Undoes the change in this boot: by the clock that nobody can set (systemd.timer(5): OnActiveSec is monotonic). */
export function timerUnit({ id, seconds }: GuardedChange): string {
  return `[Unit]
Description=Undo the change ${id} unless it is confirmed in time

[Timer]
OnActiveSec=${seconds}
AccuracySec=100ms
`;
}

/** What the timer starts. Tried again until it works: a host that stays locked is worse than a busy journal. */
export function serviceUnit({ id }: GuardedChange): string {
  return `[Unit]
Description=Undo the change ${id}
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=/bin/sh ${guardRoot}/${id}/restore
Restart=on-failure
RestartSec=2
`;
}

/**
 * After a reboot, before anything reads them: the files. The condition keeps it still in the boot in which the change is
 * made, for starting any service pulls in whatever sysinit.target wants.
 */
export function filesUnit({ id, guard }: GuardedChange): string {
  const mounts = [...new Set([guardRoot, ...guard.files.map((path) => posix.dirname(path))])];
  return `[Unit]
Description=Put back the files of the unconfirmed change ${id}
DefaultDependencies=no
RequiresMountsFor=${mounts.map(unitWord).join(" ")}
After=local-fs.target
Before=sysinit.target network-pre.target nftables.service systemd-sysctl.service shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target
ConditionPathExists=!${units.timer}

[Service]
Type=oneshot
ExecStart=/bin/sh ${guardRoot}/${id}/restore files
TimeoutStartSec=60

[Install]
WantedBy=sysinit.target
`;
}

/** After a reboot, once services can be asked: the files again, where that failed, and the commands. */
export function bootUnit({ id }: GuardedChange): string {
  return `[Unit]
Description=Undo the unconfirmed change ${id} after a reboot
After=nftables.service network.target ssh.service docker.service
ConditionPathExists=!${units.timer}
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=/bin/sh ${guardRoot}/${id}/restore
Restart=on-failure
RestartSec=2

[Install]
WantedBy=multi-user.target
`;
}

/** A path as systemd.unit(5) reads words: quoted, `%` doubled. */
function unitWord(path: string): string {
  return `"${path.replaceAll("%", "%%").replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
