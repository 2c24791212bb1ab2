import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { finish, lastWords } from "../../command.ts";
import { ScriptError } from "../../script-error.ts";
import type { Baseline } from "../baseline.ts";
import type { Bench, Call, Installed, Peer } from "../peer.ts";
import { pythonEnvironment } from "../python-environment.ts";
import { filesFolder, type Variant, type Work, wantedFiles } from "../work.ts";
import { pythonEnv, sshFiles } from "./ssh-files.ts";

const tuned =
  "pipelining, ControlPersist, a fork for each host, no facts gathered, the interpreter named, the files one looped `copy` task";

/** ansible-core as its users tune it. */
export const ansible = peer("ansible", "Ansible", `${tuned}.`);

/** The same with Mitogen in place of its connections. */
export const ansibleMitogen = peer("ansible-mitogen", "Ansible with Mitogen", `${tuned}; strategy \`mitogen_linear\`.`);

function peer(name: "ansible" | "ansible-mitogen", title: string, setup: string): Peer {
  const mitogen = name === "ansible-mitogen";
  return {
    name,
    title,
    setup,
    python: true,
    traces: ["/home/deploy/.ansible", "/root/.ansible"],
    install: (bench) => install(bench, mitogen),
    prepare: (bench, work, variant) => prepare(bench, name, mitogen, work, variant),
  };
}

async function install(bench: Bench, mitogen: boolean): Promise<Installed> {
  const environment = await pythonEnvironment(bench, "ansible");
  const python = join(environment, "bin", "python");
  const ask = `import importlib.metadata as m; print(m.version("ansible-core"), m.version("mitogen"))`;
  const ran = await finish([python, "-c", ask], { env: bench.env });
  if (ran.code !== 0) throw new ScriptError("ansible-core does not say its version", lastWords(ran));
  const [core, mito] = ran.stdout.trim().split(" ");
  return { version: `ansible-core ${core}${mitogen ? `, Mitogen ${mito}` : ""}` };
}

async function prepare(bench: Bench, name: string, mitogen: boolean, work: Work, variant: Variant): Promise<Call> {
  const environment = await pythonEnvironment(bench, "ansible");
  const { folder, home, knownHosts, key } = await sshFiles(bench, name);
  const hosts = bench.hosts.servers.map(({ name, addresses }) => `${name} ansible_host=${addresses.v4}`);
  const plugins = mitogen ? await mitogenPlugins(environment) : undefined;
  await writeFile(join(folder, "ansible.cfg"), configuration(knownHosts, key, plugins));
  await writeFile(join(folder, "hosts.ini"), `${["[all]", ...hosts].join("\n")}\n`);
  const plays =
    work === "baseline"
      ? await baselinePlay(folder, bench.hosts.baseline(variant))
      : await filesPlay(folder, work, variant);
  // JSON is YAML.
  await writeFile(join(folder, "playbook.yml"), JSON.stringify(plays, null, 2));
  return {
    words: [join(environment, "bin", "ansible-playbook"), "playbook.yml"],
    env: { ...pythonEnv(bench, environment, home), ANSIBLE_CONFIG: join(folder, "ansible.cfg") },
    cwd: folder,
  };
}

async function mitogenPlugins(environment: string): Promise<string> {
  const [python = ""] = await readdir(join(environment, "lib"));
  return join(environment, "lib", python, "site-packages", "ansible_mitogen", "plugins", "strategy");
}

/** ansible.cfg. With Mitogen its strategy takes the place of the connections, which then need no pipelining. */
export function configuration(knownHosts: string, key: string, mitogenPlugins: string | undefined): string {
  const mitogen =
    mitogenPlugins === undefined ? [] : [`strategy_plugins = ${mitogenPlugins}`, "strategy = mitogen_linear"];
  return `${[
    "[defaults]",
    "inventory = hosts.ini",
    "forks = 10",
    "gathering = explicit",
    "interpreter_python = /usr/bin/python3",
    "remote_user = deploy",
    `private_key_file = ${key}`,
    "host_key_checking = True",
    "retry_files_enabled = False",
    "inject_facts_as_vars = False",
    ...mitogen,
    "[privilege_escalation]",
    "become = True",
    "[ssh_connection]",
    "pipelining = True",
    `ssh_args = -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=${knownHosts}`,
  ].join("\n")}\n`;
}

async function filesPlay(folder: string, count: number, variant: Variant): Promise<unknown> {
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

async function baselinePlay(folder: string, wanted: Baseline): Promise<unknown> {
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

/** Writes files into a folder that held others. */
export async function writeAll(
  folder: string,
  files: readonly { readonly name: string; readonly content: string }[],
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await Promise.all(files.map(({ name, content }) => writeFile(join(folder, name), content)));
}
