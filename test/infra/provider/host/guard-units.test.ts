import { describe, expect, test } from "vitest";
import { bootUnit, filesUnit, serviceUnit, timerUnit } from "../../../../infra/provider/host/guard-units.ts";

const change = {
  id: "firewall-1f3b9c20",
  guard: {
    name: "firewall",
    files: ["/etc/nftables.conf", "/etc/a 'quoted' %file"],
    save: { rules: ["nft", "list", "ruleset"] },
    restore: [
      ["nft", "flush", "ruleset"],
      ["nft", "-f", "{rules}"],
      ["echo", "{other}", "$(x)"],
    ],
  },
  seconds: 60,
  by: "anna@laptop",
};

describe("units", () => {
  test("the timer counts by a clock that nobody can set", () => {
    expect(timerUnit(change)).toBe(`[Unit]
Description=Undo the change firewall-1f3b9c20 unless it is confirmed in time

[Timer]
OnActiveSec=60
AccuracySec=100ms
`);
  });

  test("the service tries until it works", () => {
    expect(serviceUnit(change)).toBe(`[Unit]
Description=Undo the change firewall-1f3b9c20
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=/bin/sh /var/lib/onprem/guard/firewall-1f3b9c20/restore
Restart=on-failure
RestartSec=2
`);
  });

  test("after a reboot the files are back before anything reads them", () => {
    expect(filesUnit(change)).toBe(`[Unit]
Description=Put back the files of the unconfirmed change firewall-1f3b9c20
DefaultDependencies=no
RequiresMountsFor="/var/lib/onprem/guard" "/etc"
After=local-fs.target
Before=sysinit.target network-pre.target nftables.service systemd-sysctl.service shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target
ConditionPathExists=!/run/systemd/system/onprem-guard.timer

[Service]
Type=oneshot
ExecStart=/bin/sh /var/lib/onprem/guard/firewall-1f3b9c20/restore files
TimeoutStartSec=60

[Install]
WantedBy=sysinit.target
`);
  });

  test("and the commands run once services can be asked", () => {
    expect(bootUnit(change)).toBe(`[Unit]
Description=Undo the unconfirmed change firewall-1f3b9c20 after a reboot
After=nftables.service network.target ssh.service docker.service
ConditionPathExists=!/run/systemd/system/onprem-guard.timer
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=/bin/sh /var/lib/onprem/guard/firewall-1f3b9c20/restore
Restart=on-failure
RestartSec=2

[Install]
WantedBy=multi-user.target
`);
  });
});
