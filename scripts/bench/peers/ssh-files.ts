import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bench } from "../peer.ts";

/** What the Python peers need to log in, all the same: the pinned host keys and a home of the benchmark's own. */
export async function sshFiles(bench: Bench, peer: string) {
  const folder = join(bench.folder, peer);
  const home = join(folder, "home");
  await mkdir(join(home, ".ssh"), { recursive: true, mode: 0o700 });
  const knownHosts = join(home, ".ssh", "known_hosts");
  const { servers } = bench.hosts;
  await writeFile(knownHosts, servers.map(({ addresses, hostKey }) => `${addresses.v4} ${hostKey}\n`).join(""));
  return { folder, home, knownHosts, key: servers[0]?.login.privateKeyFile ?? "" };
}

/** The environment of a Python peer: nothing of the user's own settings. */
export function pythonEnv(bench: Bench, environment: string, home: string): NodeJS.ProcessEnv {
  return { PATH: `${join(environment, "bin")}:${bench.env.PATH ?? "/usr/bin:/bin"}`, HOME: home, LC_ALL: "C.UTF-8" };
}
