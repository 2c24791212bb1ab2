import { join } from "node:path";
import type { Baseline } from "../baseline.ts";
import { filesFolder, type Variant, wantedFiles } from "../work.ts";
import { writeAll } from "./written-files.ts";

/** A play that writes the files. */
export async function filesPlay(folder: string, count: number, variant: Variant): Promise<unknown> {
  const files = wantedFiles(count, variant);
  await writeAll(join(folder, "files"), files);
  return [
    {
      hosts: "all",
      gather_facts: false,
      vars: { wanted: files.map(({ name, owner, group, mode }) => ({ name, owner, group, mode })) },
      tasks: [
        { name: "folder", "ansible.builtin.file": { path: filesFolder, state: "directory" } },
        {
          name: "files",
          "ansible.builtin.copy": {
            src: "files/{{ item.name }}",
            dest: `${filesFolder}/{{ item.name }}`,
            owner: "{{ item.owner }}",
            group: "{{ item.group }}",
            mode: "{{ item.mode }}",
          },
          loop: "{{ wanted }}",
          loop_control: { label: "{{ item.name }}" },
        },
      ],
    },
  ];
}

/** A play that makes the baseline, with handlers for what a change must be told to. */
export async function baselinePlay(folder: string, wanted: Baseline): Promise<unknown> {
  const { packages, unit, user, sysctl, firewall, sshd } = wanted;
  const values = Object.entries(sysctl.values).map(([key, value]) => `${key} = ${value}\n`);
  await writeAll(join(folder, "files"), [
    { name: unit.name, content: unit.text },
    { name: "sysctl.conf", content: values.join("") },
    { name: "nftables.conf", content: firewall.text },
    { name: "sshd.conf", content: sshd.text },
    { name: "authorized_keys", content: `${user.key}\n` },
  ]);
  const copy = (src: string, dest: string, more: Record<string, string> = {}) => ({
    "ansible.builtin.copy": { src: `files/${src}`, dest, owner: "root", group: "root", mode: "0644", ...more },
  });
  const home = `/home/${user.name}`;
  return [
    {
      hosts: "all",
      gather_facts: false,
      tasks: [
        { name: "packages", "ansible.builtin.apt": { name: packages, install_recommends: false } },
        { name: "unit", ...copy(unit.name, `/etc/systemd/system/${unit.name}`), notify: "restart unit" },
        {
          name: "unit runs",
          "ansible.builtin.systemd_service": { name: unit.name, enabled: true, state: "started", daemon_reload: true },
        },
        { name: "user", "ansible.builtin.user": { name: user.name, shell: user.shell } },
        {
          name: "ssh folder",
          "ansible.builtin.file": {
            path: `${home}/.ssh`,
            state: "directory",
            owner: user.name,
            group: user.name,
            mode: "0700",
          },
        },
        {
          name: "key",
          ...copy("authorized_keys", `${home}/.ssh/authorized_keys`, {
            owner: user.name,
            group: user.name,
            mode: "0600",
          }),
        },
        { name: "sysctl", ...copy("sysctl.conf", sysctl.file), notify: "apply sysctl" },
        {
          name: "firewall",
          ...copy("nftables.conf", firewall.path, { mode: "0755", validate: "/usr/sbin/nft -c -f %s" }),
          notify: "reload firewall",
        },
        {
          name: "firewall at boot",
          "ansible.builtin.systemd_service": { name: "nftables", enabled: true, state: "started" },
        },
        {
          name: "sshd",
          ...copy("sshd.conf", sshd.path, { validate: "/usr/sbin/sshd -t -f %s" }),
          notify: "reload sshd",
        },
      ],
      handlers: [
        {
          name: "restart unit",
          "ansible.builtin.systemd_service": { name: unit.name, state: "restarted", daemon_reload: true },
        },
        { name: "apply sysctl", "ansible.builtin.command": `sysctl -p ${sysctl.file}` },
        { name: "reload firewall", "ansible.builtin.systemd_service": { name: "nftables", state: "reloaded" } },
        { name: "reload sshd", "ansible.builtin.systemd_service": { name: "ssh", state: "reloaded" } },
      ],
    },
  ];
}
