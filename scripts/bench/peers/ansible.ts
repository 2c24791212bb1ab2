import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { finish, lastWords } from "../../command.ts";
import { ScriptError } from "../../script-error.ts";
import type { Bench, Call, Installed, Peer } from "../peer.ts";
import { pythonEnvironment } from "../python-environment.ts";
import type { Variant, Work } from "../work.ts";
import { baselinePlay, filesPlay } from "./ansible-plays.ts";
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
