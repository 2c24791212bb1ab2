import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import {
  armScript,
  confirmScript,
  forgetScript,
  restoreScript,
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
