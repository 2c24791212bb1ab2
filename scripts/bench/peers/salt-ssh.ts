import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { finish } from "../../command.ts";
import type { Bench, Call, Peer } from "../peer.ts";
import { pythonEnvironment } from "../python-environment.ts";
import { filesFolder, type Variant, type Work, wantedFiles } from "../work.ts";
import { pythonEnv, sshFiles } from "./ssh-files.ts";
import { writeAll } from "./written-files.ts";

/** salt-ssh: Salt's states without its agent. It puts a part of itself, the "thin", on each host. */
export const saltSsh: Peer = {
  name: "salt-ssh",
  title: "salt-ssh",
  setup:
    "one `state.apply`, a process for each host, ControlPersist, each file a `file.managed`; the case `first` includes putting its thin on the hosts.",
  traces: ["/var/tmp/.*_salt", "/var/tmp/.*_salt-call*"],
  python: true,
  warmsUp: true,
  async install(bench) {
    const environment = await pythonEnvironment(bench, "salt");
    const ask = 'import importlib.metadata as m; print(m.version("salt"))';
    const { stdout } = await finish([join(environment, "bin", "python"), "-c", ask], { env: bench.env });
    return { version: `Salt ${stdout.trim()}` };
  },
  prepare,
};

async function prepare(bench: Bench, work: Work, variant: Variant): Promise<Call> {
  const environment = await pythonEnvironment(bench, "salt");
  const { folder, home, knownHosts, key } = await sshFiles(bench, "salt-ssh");
  const states = join(folder, "states");
  const root = join(folder, "root");
  await mkdir(root, { recursive: true });
  const master = {
    root_dir: root,
    cachedir: join(root, "cache"),
    pki_dir: join(root, "pki"),
    log_file: join(root, "ssh.log"),
    user: "root",
    file_roots: { base: [states] },
    ssh_max_procs: 25,
    known_hosts_file: knownHosts,
  };
  const roster = Object.fromEntries(
    bench.hosts.servers.map(({ name, addresses }) => [
      name,
      {
        host: addresses.v4,
        user: "deploy",
        sudo: true,
        priv: key,
        ssh_options: [
          `UserKnownHostsFile=${knownHosts}`,
          "ControlMaster=auto",
          "ControlPersist=60s",
          `ControlPath=${join(bench.folder, "cm")}-%h`,
        ],
      },
    ]),
  );
  await writeFile(join(folder, "master"), JSON.stringify(master));
  await writeFile(join(folder, "roster"), JSON.stringify(roster));
  await writeStates(bench, states, work, variant);
  const words = ["-c", folder, `--roster-file=${join(folder, "roster")}`, "--state-output=changes", "*"];
  return {
    words: [join(environment, "bin", "salt-ssh"), ...words, "state.apply", "bench"],
    env: pythonEnv(bench, environment, home),
    cwd: folder,
  };
}

async function writeStates(bench: Bench, states: string, work: Work, variant: Variant): Promise<void> {
  const sls = work === "baseline" ? baselineStates(bench, variant) : filesStates(work, variant);
  await writeAll(states, [...sls.files, { name: "bench.sls", content: JSON.stringify(sls.states, null, 1) }]);
}

interface States {
  readonly files: readonly { readonly name: string; readonly content: string }[];
  /** An SLS file as data; JSON is YAML. */
  readonly states: Record<string, unknown>;
}

function filesStates(count: number, variant: Variant): States {
  const files = wantedFiles(count, variant);
  const managed = files.map(({ name, owner, group, mode }) => [
    `${filesFolder}/${name}`,
    { "file.managed": [{ source: `salt://${name}` }, { user: owner }, { group }, { mode }] },
  ]);
  return { files, states: { [filesFolder]: { "file.directory": [] }, ...Object.fromEntries(managed) } };
}

function baselineStates(bench: Bench, variant: Variant): States {
  const { packages, unit, user, sysctl, firewall, sshd } = bench.hosts.baseline(variant);
  const values = Object.entries(sysctl.values).map(([key, value]) => `${key} = ${value}\n`);
  const home = `/home/${user.name}`;
  const own = [{ user: user.name }, { group: user.name }];
  const managed = (source: string, mode: string, ...more: unknown[]) => ({
    "file.managed": [{ source: `salt://${source}` }, { user: "root" }, { group: "root" }, { mode }, ...more],
  });
  return {
    files: [
      { name: unit.name, content: unit.text },
      { name: "sysctl.conf", content: values.join("") },
      { name: "nftables.conf", content: firewall.text },
      { name: "sshd.conf", content: sshd.text },
      { name: "authorized_keys", content: `${user.key}\n` },
    ],
    states: {
      packages: { "pkg.installed": [{ pkgs: packages }, { install_recommends: false }] },
      [`/etc/systemd/system/${unit.name}`]: managed(unit.name, "0644"),
      "read units": {
        "module.run": [
          { "service.systemctl_reload": [] },
          { onchanges: [{ file: `/etc/systemd/system/${unit.name}` }] },
        ],
      },
      [unit.name]: {
        "service.running": [{ enable: true }, { watch: [{ file: `/etc/systemd/system/${unit.name}` }] }],
      },
      [user.name]: { "user.present": [{ shell: user.shell }, { home }] },
      [`${home}/.ssh`]: { "file.directory": [...own, { mode: "0700" }] },
      [`${home}/.ssh/authorized_keys`]: {
        "file.managed": [{ source: "salt://authorized_keys" }, ...own, { mode: "0600" }],
      },
      [sysctl.file]: managed("sysctl.conf", "0644"),
      "apply sysctl": { "cmd.run": [{ name: `sysctl -p ${sysctl.file}` }, { onchanges: [{ file: sysctl.file }] }] },
      [firewall.path]: managed("nftables.conf", "0755", { check_cmd: "/usr/sbin/nft -c -f" }),
      nftables: { "service.running": [{ enable: true }, { reload: true }, { watch: [{ file: firewall.path }] }] },
      [sshd.path]: managed("sshd.conf", "0644", { check_cmd: "/usr/sbin/sshd -t -f" }),
      ssh: { "service.running": [{ reload: true }, { watch: [{ file: sshd.path }] }] },
    },
  };
}
