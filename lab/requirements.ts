import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { run, succeeds } from "./command.ts";
import { LabError } from "./lab-error.ts";
import type { Progress } from "./status.ts";

/** A program that the lab runs, or the whole path of a file that it reads, and the Debian package that brings it. */
export type Needs = Readonly<Record<string, string>>;

/** What every lab runs. */
export const labNeeds: Needs = {
  "systemd-nspawn": "systemd-container",
  mmdebstrap: "mmdebstrap",
  "apt-cacher-ng": "apt-cacher-ng",
  "systemd-socket-activate": "systemd",
  ip: "iproute2",
  "ssh-keygen": "openssh-client",
  sysctl: "procps",
  setpriv: "util-linux",
  nsenter: "util-linux",
  flock: "util-linux",
  // Debian has it; on Ubuntu mmdebstrap needs it to believe Debian's archives.
  "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
};

/** What a virtual machine runs besides. */
export const virtualMachineNeeds: Needs = {
  "qemu-system-x86_64": "qemu-system-x86",
  "mkfs.ext4": "e2fsprogs",
};

/** What Python of Debian 12 needs for environments of its own. */
export const pythonNeeds: Needs = { "/usr/lib/python3.11/ensurepip": "python3-venv" };

/** Packages of the files that are absent and of the programs that are nowhere on the search path, without repetition. */
export function missingPackages(needs: Needs, path = process.env.PATH ?? ""): string[] {
  const folders = [...path.split(delimiter), "/usr/sbin", "/sbin"];
  const has = (name: string) =>
    name.startsWith("/") ? existsSync(name) : folders.some((folder) => existsSync(join(folder, name)));
  const packages = Object.entries(needs).flatMap(([name, source]) => (has(name) ? [] : [source]));
  return [...new Set(packages)].sort();
}

/** Make sure that everything needed is there. Installs what is missing by apt-get, saying what. */
export async function ensureRequirements(needs: Needs, progress: Progress): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new LabError(
      "the lab needs root",
      "it makes network namespaces, mounts and containers",
      "run it as root, or use the parts that need no lab: npm run test:unit",
    );
  }
  const packages = missingPackages(needs);
  if (packages.length === 0) return;
  if (!(await isDebianLike())) {
    throw new LabError(
      `the lab needs ${packages.join(", ")}`,
      "they are installed by apt-get, and this machine is neither a Debian nor an Ubuntu",
      "run the lab on a Debian or Ubuntu machine",
    );
  }
  progress(`installing ${packages.join(", ")} by apt-get`);
  if (!(await succeeds(["apt-get", "install", "--simulate", "--no-install-recommends", ...packages]))) {
    progress("refreshing the package lists by apt-get update first");
    await run(["apt-get", "update", "--quiet"]);
  }
  await withoutOwnService(packages.includes("apt-cacher-ng"), () =>
    run(["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", ...packages], {
      env: { DEBIAN_FRONTEND: "noninteractive" },
    }),
  );
}

/** The package apt-cacher-ng starts a proxy of its own on every address; the lab runs its own and wants no other. */
async function withoutOwnService(applies: boolean, install: () => Promise<unknown>): Promise<void> {
  const unit = "apt-cacher-ng.service";
  if (!applies || !existsSync("/run/systemd/system")) {
    await install();
    return;
  }
  await run(["systemctl", "mask", "--runtime", unit]);
  try {
    await install();
  } finally {
    await run(["systemctl", "unmask", "--runtime", unit]);
  }
  await run(["systemctl", "disable", "--quiet", unit]);
}

async function isDebianLike(): Promise<boolean> {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release);
}
