import { createHash } from "node:crypto";
import type { Baseline } from "./baseline.ts";
import { filesFolder, type WantedFile } from "./work.ts";

/** A script that describes files line by line, and what it says when all is right. */
export function filesLook(files: readonly WantedFile[]): [script: string, expected: string[]] {
  const script = `[ -d ${filesFolder} ] || { echo "${filesFolder} is not there"; exit 0; }
    cd ${filesFolder}; find . -mindepth 1 -printf '%P %u %g %m\\n' | LC_ALL=C sort; sha256sum -- * | LC_ALL=C sort -k2`;
  return [
    script,
    [
      ...files.map(({ name, owner, group, mode }) => `${name} ${owner} ${group} ${mode.replace(/^0+/, "")}`),
      ...files.map(({ name, content }) => `${sha256(content)}  ${name}`),
    ],
  ];
}

/** The same for the baseline: what is configured, and what is in force. */
export function baselineLook(wanted: Baseline): [script: string, expected: string[]] {
  const { packages, unit, user, sysctl, firewall, sshd } = wanted;
  const keys = Object.keys(sysctl.values);
  const questions: [question: string, answer: string][] = [
    ...packages.map((name): [string, string] => [
      `dpkg-query -W -f '\${db:Status-Status}' ${name} 2>/dev/null || echo absent`,
      "installed",
    ]),
    [`sha256sum < /etc/systemd/system/${unit.name} || :`, `${sha256(unit.text)}  -`],
    [`systemctl is-enabled ${unit.name} || :`, "enabled"],
    [`systemctl is-active ${unit.name} || :`, "active"],
    [`systemctl show -P NeedDaemonReload ${unit.name} || :`, "no"],
    [`systemctl show -P Description ${unit.name} || :`, /^Description=(.*)$/m.exec(unit.text)?.[1] ?? ""],
    [`getent passwd ${user.name} | cut -d: -f7`, user.shell],
    [`grep -v '^#' /home/${user.name}/.ssh/authorized_keys || :`, user.key],
    [`stat -c '%U' /home/${user.name}/.ssh/authorized_keys || :`, user.name],
    ...keys.map((key): [string, string] => [`sysctl -n ${key}`, sysctl.values[key] ?? ""]),
    ["systemctl is-enabled nftables || :", "enabled"],
    [`sha256sum < ${firewall.path}`, `${sha256(firewall.text)}  -`],
    ["nft list chain inet filter input 2>/dev/null | grep -c 'policy drop\\|tcp dport 22 accept' || :", "2"],
    [`sha256sum < ${sshd.path} || :`, `${sha256(sshd.text)}  -`],
    ["sshd -T | grep maxauthtries", "maxauthtries 4"],
    ["[ /run/sshd.pid -nt /etc/hostname ] && systemctl is-active ssh || :", "active"],
  ];
  const script = questions.map(([question], index) => `echo "${index} $( ${question} )"`).join("\n");
  return [`exec 2>/dev/null\n${script}`, questions.map(([, answer], index) => `${index} ${answer}`)];
}

/** Takes everything of the baseline away, the packages that others brought included. */
export function baselineCleanup({ packages, unit, user, sysctl, firewall, sshd }: Baseline): string[] {
  return [
    "exec >/dev/null 2>&1; set +e",
    `systemctl disable --now ${unit.name} nftables.service`,
    `rm -rf /etc/systemd/system/${unit.name}* ${sysctl.file} ${sshd.path}; systemctl daemon-reload; systemctl reset-failed`,
    `userdel -r ${user.name}; rm -f /etc/sudoers.d/*${user.name}*`,
    `nft flush ruleset; cp -p /var/lib/bench/nftables.conf ${firewall.path}`,
    ...Object.keys(sysctl.values).map((key) => `sysctl -w ${key}=0`),
    "systemctl reload ssh",
    `export DEBIAN_FRONTEND=noninteractive; apt-get -q purge -y --autoremove ${packages.join(" ")}; apt-get clean`,
    "set -e",
  ];
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
