import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
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

  test.each([
    ["that was there", "etc/file", "before"],
    ["that was not there", "etc/other", ""],
    ["in a directory that nobody has made yet", "etc/never/file", ""],
  ])("restore: a file %s is as before, and that counts as done", (_, path, before) => {
    const folder = mkdtempSync(join(tmpdir(), "onprem-guard-"));
    try {
      for (const name of ["etc", "files", "absent"]) mkdirSync(join(folder, name));
      writeFileSync(join(folder, before === "" ? "absent/0" : "files/0"), before);
      if (existsSync(dirname(join(folder, path)))) writeFileSync(join(folder, path), "after");
      const [putBack] = /^put_back\(\) \{[\s\S]*?^\}/m.exec(scripts.restore) ?? [];
      const script = `dir=$1 failed=0; say() { echo "$*"; }\n${putBack}\nput_back 0 "$2" "$3" "$3/.new"; echo "$failed"`;
      const target = join(folder, path);
      const said = execFileSync("/bin/sh", ["-uc", script, "sh", folder, target, dirname(target)]).toString();
      expect(said).toBe("0\n");
      expect(existsSync(target) ? readFileSync(target, "utf8") : "").toBe(before);
    } finally {
      rmSync(folder, { recursive: true });
    }
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
