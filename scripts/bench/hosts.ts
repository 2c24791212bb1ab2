import { statusLab } from "../../lab/lab.ts";
import type { LabStatus, MachineStatus } from "../../lab/status.ts";
import { finish, lastWords } from "../command.ts";
import { ScriptError } from "../script-error.ts";
import { type Baseline, baseline, strangersKey } from "./baseline.ts";
import { baselineCleanup, baselineLook, filesLook } from "./looks.ts";
import { driftedPath, filesFolder, type Variant, type Work, wantedFiles } from "./work.ts";

/** The host on which the case `drift` alters something by hand. */
const driftedHost = "test";

/** What Ansible, pyinfra and Salt need on a host, and what a host has that is managed by one of them. */
const needed = ["python3", "python3-apt"];

/** Sees and changes the three hosts by their namespaces: a way that shares nothing with any peer. */
export class Hosts {
  readonly lab: string;
  readonly servers: readonly MachineStatus[];
  readonly #management: string;

  constructor(lab: LabStatus) {
    this.lab = lab.name;
    this.servers = lab.machines.filter(({ kind }) => kind === "server");
    this.#management = lab.segments.management.v4;
  }

  baseline(variant: Variant): Baseline {
    return baseline(variant, this.#management);
  }

  /** Once for each lab: Python, as hosts that the Python peers manage have it, and what the baseline needs. */
  async prepare({ python, baseline }: { python: boolean; baseline: boolean }): Promise<void> {
    if (!python && !baseline) return;
    const install = python ? `apt-get -q install -y --no-install-recommends ${needed.join(" ")}` : "";
    const mark = `/var/lib/bench/prepared${python ? "-python" : ""}`;
    await this.everywhere(`[ -e ${mark} ] || {
      export DEBIAN_FRONTEND=noninteractive
      # On a machine that has just booted apt was once seen to wait for ever for a method of its own.
      timeout 120 apt-get -q update || apt-get -q update
      ${install}
      mkdir -p /var/lib/bench
      [ -e /var/lib/bench/nftables.conf ] || cp -p /etc/nftables.conf /var/lib/bench/nftables.conf
      touch ${mark}
    }`);
  }

  /** A host without any of the work, as the case `first` begins; `traces` are what the peer itself leaves on a host. */
  async clean(work: Work, traces: readonly string[] = []): Promise<void> {
    const own = traces.map((path) => `rm -rf ${path}`);
    const script = work === "baseline" ? baselineCleanup(this.baseline("original")) : [`rm -rf ${filesFolder}`];
    await this.everywhere([...script, "rm -rf /var/lib/onprem /run/onprem", ...own].join("\n"));
  }

  /** Writes the files of a work as they should be. */
  async put(count: number, variant: Variant): Promise<void> {
    const files = wantedFiles(count, variant).map(
      ({ name, content, owner, group, mode }) =>
        `write ${name} ${owner}:${group} ${mode} ${Buffer.from(content).toString("base64")}`,
    );
    await this.everywhere(
      [
        `rm -rf ${filesFolder}; mkdir ${filesFolder}; cd ${filesFolder}`,
        'write() { echo "$4" | base64 -d > "$1"; chown "$2" "$1"; chmod "$3" "$1"; }',
        ...files,
      ].join("\n"),
    );
  }

  /** Alters one thing by hand on one host, as somebody would who repairs something at night. */
  async drift(work: Work): Promise<void> {
    const script =
      work === "baseline"
        ? `echo '${strangersKey}' >> /home/${this.baseline("original").user.name}/.ssh/authorized_keys`
        : `echo 'revision = 3 by hand' >> ${driftedPath(work)}`;
    await this.#on(this.#server(driftedHost), script);
  }

  /** Why the hosts are not as the work wants them; `undefined` when all three are. */
  async wrong(work: Work, variant: Variant): Promise<string | undefined> {
    const [script, expected] =
      work === "baseline" ? baselineLook(this.baseline(variant)) : filesLook(wantedFiles(work, variant));
    const seen = await Promise.all(this.servers.map((server) => this.#on(server, script)));
    for (const [index, text] of seen.entries()) {
      const difference = firstDifference(expected, text.trimEnd().split("\n"));
      if (difference !== undefined) return `${this.servers[index]?.name}: ${difference}`;
    }
    return undefined;
  }

  /** Changes with every write to a file of the work, also with one that leaves it as it was. */
  async touchMarks(): Promise<string> {
    const script = `[ ! -d ${filesFolder} ] || find ${filesFolder} -printf '%p %i %T@ %C@\\n' | LC_ALL=C sort`;
    return (await this.everywhere(script)).join("\n--\n");
  }

  /** Runs a shell script as root on all hosts side by side. */
  everywhere(script: string): Promise<string[]> {
    return Promise.all(this.servers.map((server) => this.#on(server, script)));
  }

  #server(name: string): MachineStatus {
    const found = this.servers.find((server) => server.name === name);
    if (found === undefined) throw new ScriptError(`lab ${this.lab} has no server ${name}`);
    return found;
  }

  async #on({ name }: MachineStatus, script: string): Promise<string> {
    const now = await statusLab(this.lab);
    const leader = now?.machines.find((machine) => machine.name === name)?.leader;
    if (!leader) throw new ScriptError(`${name} of lab ${this.lab} does not run`, undefined, "npm run lab -- up");
    const words = ["nsenter", "--target", String(leader), "--all", "--", "/bin/sh", "-e"] as const;
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", HOME: "/root" };
    const ran = await finish(words, { env, input: script });
    if (ran.code !== 0) throw new ScriptError(`${name} could not be made ready for the benchmark`, lastWords(ran));
    return ran.stdout;
  }
}

function firstDifference(expected: readonly string[], seen: readonly string[]): string | undefined {
  for (let index = 0; index < Math.max(expected.length, seen.length); index++) {
    if (expected[index] !== seen[index]) return `"${seen[index] ?? ""}" instead of "${expected[index] ?? ""}"`;
  }
  return undefined;
}
