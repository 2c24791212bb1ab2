import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import {
  armScript,
  bootUnit,
  confirmScript,
  filesUnit,
  forgetScript,
  restoreScript,
  serviceUnit,
  timerUnit,
  undoneScript,
} from "../../../../infra/provider/host/guard-texts.ts";

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

describe("scripts", () => {
  const scripts = {
    arm: armScript(change),
    restore: restoreScript(change),
    confirm: confirmScript(change.id),
    undone: undoneScript(change.id, 4),
    forget: forgetScript(change.id),
  };

  test.each(Object.entries(scripts))("%s is what sh can read", (_, script) => {
    expect(execFileSync("/bin/sh", ["-n"], { input: script }).toString()).toBe("");
  });

  test("restore: the files, then the commands that have what they need", () => {
    const lines = scripts.restore.split("\n");
    expect(lines.filter((line) => /^(put_back |again |\[ -e "\$dir\/out)/.test(line))).toEqual([
      "put_back 0 /etc/nftables.conf /etc /etc/.onprem-restore-firewall-1f3b9c20",
      "put_back 1 '/etc/a '\\''quoted'\\'' %file' /etc /etc/.onprem-restore-firewall-1f3b9c20",
      "again nft flush ruleset",
      '[ -e "$dir/out/"rules ] && again nft -f "$dir/out/"rules',
      "again echo '{other}' '$(x)'",
    ]);
  });

  test("arm: everything is saved and on the disk before the timer starts, and the timer runs before it ends", () => {
    const lines = scripts.arm.split("\n");
    const order = [
      "keep 0 /etc/nftables.conf",
      "keep 1 '/etc/a '\\''quoted'\\'' %file'",
      'nft list ruleset </dev/null >"$dir/out/"rules 2>/dev/null || rm -f "$dir/out/"rules',
      'sync "$dir/room"',
      "systemctl --quiet enable onprem-guard-files.service onprem-guard-boot.service",
      ': >"$dir/armed"',
      'sync -f "$dir" /etc/systemd/system',
      "systemctl start onprem-guard.timer",
      "systemctl --quiet is-active onprem-guard.timer",
    ].map((line) => lines.indexOf(line));
    expect(order).not.toContain(-1);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  test("confirm and restore decide by the same link, whichever makes it first", () => {
    expect(scripts.confirm).toContain('if ! ln -s confirmed "$dir/decision" 2>/dev/null');
    expect(scripts.restore).toContain('if ! ln -s restoring "$dir/decision" 2>/dev/null');
  });
});
