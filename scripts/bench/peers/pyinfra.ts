import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { finish } from "../../command.ts";
import type { Bench, Call, Peer } from "../peer.ts";
import { pythonEnvironment } from "../python-environment.ts";
import { filesFolder, type Variant, type Work, wantedFiles } from "../work.ts";
import { pythonEnv, sshFiles } from "./ssh-files.ts";
import { writeAll } from "./written-files.ts";

/** pyinfra: the fastest of those that need no agent. */
export const pyinfra: Peer = {
  name: "pyinfra",
  title: "pyinfra",
  setup: "hosts in parallel (its default), one `files.put` for each file, `_sudo` for all.",
  python: true,
  traces: [],
  async install(bench) {
    const environment = await pythonEnvironment(bench, "pyinfra");
    const ask = 'import importlib.metadata as m; print(m.version("pyinfra"))';
    const { stdout } = await finish([join(environment, "bin", "python"), "-c", ask], { env: bench.env });
    return { version: `pyinfra ${stdout.trim()}` };
  },
  prepare,
};

async function prepare(bench: Bench, work: Work, variant: Variant): Promise<Call> {
  const environment = await pythonEnvironment(bench, "pyinfra");
  const { folder, home, knownHosts, key } = await sshFiles(bench, "pyinfra");
  const data = {
    ssh_user: "deploy",
    ssh_key: key,
    ssh_known_hosts_file: knownHosts,
    ssh_strict_host_key_checking: "yes",
    _sudo: true,
  };
  const hosts = bench.hosts.servers.map(({ addresses }) => addresses.v4);
  await writeFile(join(folder, "inventory.py"), `servers = (${python(hosts)}, ${python(data)})\n`);
  await writeFile(join(folder, "deploy.py"), await deploy(bench, folder, work, variant));
  return {
    words: [join(environment, "bin", "pyinfra"), "-y", "inventory.py", "deploy.py"],
    env: pythonEnv(bench, environment, home),
    cwd: folder,
  };
}

async function deploy(bench: Bench, folder: string, work: Work, variant: Variant): Promise<string> {
  if (work === "baseline") return baselineDeploy(bench, folder, variant);
  const files = wantedFiles(work, variant);
  await writeAll(join(folder, "files"), files);
  const wanted = files.map(({ name, owner, group, mode }) => [name, owner, group, mode.replace(/^0+/, "")]);
  return `from pyinfra.operations import files

WANTED = ${python(wanted)}

files.directory(name="folder", path="${filesFolder}")
for name, user, group, mode in WANTED:
    files.put(name=name, src=f"files/{name}", dest=f"${filesFolder}/{name}", user=user, group=group, mode=mode)
`;
}

async function baselineDeploy(bench: Bench, folder: string, variant: Variant): Promise<string> {
  const { packages, unit, user, sysctl, firewall, sshd } = bench.hosts.baseline(variant);
  await writeAll(join(folder, "files"), [
    { name: unit.name, content: unit.text },
    { name: "nftables.conf", content: firewall.text },
    { name: "sshd.conf", content: sshd.text },
  ]);
  return `from pyinfra.operations import apt, files, server, systemd

apt.packages(name="packages", packages=${python(packages)}, no_recommends=True)

unit = files.put(name="unit", src="files/${unit.name}", dest="/etc/systemd/system/${unit.name}", mode="644")
systemd.daemon_reload(name="read units", _if=unit.did_change)
systemd.service(name="unit runs", service="${unit.name}", running=True, enabled=True)
systemd.service(name="restart unit", service="${unit.name}", restarted=True, _if=unit.did_change)

server.user(
    name="user", user="${user.name}", shell="${user.shell}", home="/home/${user.name}",
    public_keys=[${python(user.key)}], delete_keys=True,
)

for key, value in ${python(Object.entries(sysctl.values))}:
    server.sysctl(name=key, key=key, value=int(value), persist=True, persist_file="${sysctl.file}")

rules = files.put(name="firewall", src="files/nftables.conf", dest="${firewall.path}", mode="755")
systemd.service(name="firewall at boot", service="nftables.service", running=True, enabled=True)
systemd.service(name="reload firewall", service="nftables.service", reloaded=True, _if=rules.did_change)

sshd = files.put(name="sshd", src="files/sshd.conf", dest="${sshd.path}", mode="644")
systemd.service(name="reload sshd", service="ssh.service", reloaded=True, _if=sshd.did_change)
`;
}

/** A value as Python writes it; JSON but for its words. */
export function python(value: unknown): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value)
      .map(([key, item]) => `${JSON.stringify(key)}: ${python(item)}`)
      .join(", ")}}`;
  }
  return JSON.stringify(value);
}
