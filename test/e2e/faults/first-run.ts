import type { LabStatus, MachineStatus } from "../../../lab/status.ts";
import { within } from "../on-lab.ts";
import type { Declared } from "../project/index.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl anna";

/** A bit of everything that a first run of a server makes; `source` is a local file of some megabytes. */
export function firstRun({ segments, services }: LabStatus, source: string): Declared[] {
  const { v4, v6 } = segments.management;
  const files = Array.from({ length: 8 }, (_, index) => ({
    name: `file${index}`,
    type: "File",
    args: { path: `/etc/first-run-${index}.conf`, content: `number = ${index}\n`.repeat(50), mode: "0640" },
  }));
  const tree = Array.from({ length: 40 }, (_, index) => [
    `d${index % 4}/${index}.conf`,
    { content: `${index}\n`.repeat(200) },
  ]);
  return [
    ...files,
    { name: "big", type: "File", args: { path: "/srv/first-run.bin", source: { $file: source } } },
    { name: "tree", type: "FileTree", args: { path: "/etc/first-run", files: Object.fromEntries(tree) } },
    {
      name: "user",
      type: "User",
      args: { name: "anna", groups: ["adm"], authorizedKeys: [key], sudo: "all-nopasswd" },
    },
    {
      name: "directory",
      type: "Directory",
      args: { path: "/srv/first-run", owner: "anna", group: "adm", mode: "2750" },
      after: ["user"],
    },
    { name: "package", type: "Package", args: { packages: { bc: "installed" } } },
    {
      name: "unit",
      type: "SystemdUnit",
      args: {
        name: "first-run.service",
        unit: "[Service]\nExecStart=/bin/sleep infinity\n\n[Install]\nWantedBy=multi-user.target\n",
        dropIns: { memory: "[Service]\nMemoryMax=64M\n" },
        enabled: true,
        running: true,
      },
    },
    { name: "sysctl", type: "Sysctl", args: { name: "first-run", values: { "net.ipv4.conf.all.log_martians": "1" } } },
    {
      name: "firewall",
      type: "Firewall",
      args: {
        inbound: { ssh: { protocol: "tcp", ports: [22], from: [v4, v6] } },
        outbound: {
          packages: { protocol: "tcp", ports: services.aptProxy.ports, to: [services.aptProxy.addresses.v4] },
        },
        confirmSeconds: 20,
      },
    },
  ];
}

/**
 * All that a first run makes, as the server itself tells it past the code under test: content, owner and mode of each file, the
 * account, the package, the unit, the kernel's value, the rules. Two servers that were brought to the same state tell the same.
 */
export function standing(server: MachineStatus): Promise<string> {
  return within(
    server,
    `cd /
    find etc/first-run* srv etc/systemd/system/first-run* etc/sysctl.d etc/sudoers.d home/anna/.ssh etc/onprem \\
      -printf '%p %y %u:%g %m %l\\n' | sort
    find etc/first-run* srv etc/systemd/system/first-run* etc/sysctl.d etc/sudoers.d home/anna/.ssh etc/onprem -type f \\
      -exec sha256sum {} + | sort
    id anna
    getent passwd anna
    passwd --status anna | cut -d ' ' -f 2
    dpkg-query -W -f '\${Package} \${db:Status-Status}\\n' bc
    dpkg --audit
    systemctl show first-run.service nftables.service onprem-firewall.service \\
      --property=Id,ActiveState,UnitFileState,MemoryMax,NeedDaemonReload
    cat /proc/sys/net/ipv4/conf/all/log_martians
    nft --stateless --terse list table inet onprem`,
  );
}

/**
 * What an interrupted run may leave for a while and a finished one never: temporary files beside their targets, notes, guards that wait, programs of
 * ours. What is known of a guarded change that was undone stays for an hour, for its maker to see.
 */
export function leftovers(server: MachineStatus): Promise<string> {
  return within(
    server,
    `find / -xdev \\( -path /proc -o -path /sys \\) -prune -o -name '.onprem-*' -print
    find /var/lib/onprem /run/systemd/system /etc/systemd/system \\( -name 'onprem-guard*' -o -path '*/guard/current' \\
      -o -path '*/begun/*' \\) 2>/dev/null || :
    pgrep -af '^perl -e my' || :`,
  );
}
