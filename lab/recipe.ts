import { createHash } from "node:crypto";
import { type AptAccess, type Mirrors, sourceLines } from "./apt-sources.ts";
import type { Words } from "./command.ts";

/** The Debian release of the lab's machines. */
export const release = "bookworm";

/** The login account of the servers beside root, with sudo that asks for nothing. */
export const loginUser = "deploy";

/** What a bare server has. What the project installs itself (time synchronisation, unattended upgrades) is left out on purpose. */
const basePackages = [
  "systemd",
  "systemd-sysv",
  "dbus",
  "openssh-server",
  "sudo",
  "iproute2",
  "iputils-ping",
  "ca-certificates",
  "curl",
  "nftables",
  "procps",
  "netcat-openbsd",
  "bind9-dnsutils",
  "tzdata",
  "kmod",
] as const;

/** What the vendor's host has on top of it. */
const vendorPackages = ["bind9", "chrony"] as const;

/** What a virtual machine has on top of it. */
const virtualMachinePackages = ["linux-image-cloud-amd64", "initramfs-tools", "udev"] as const;

/** A root file system, or a layer on top of one, by what goes into it. */
export interface Recipe {
  readonly name: "rootfs" | "vendor" | "machine";
  readonly packages: readonly string[];
  /** Lines of sources.list; empty where mmdebstrap chooses. */
  readonly sources: readonly string[];
  readonly aptChecks: readonly string[];
  /** Files that are written after the packages are installed: path in the file system to content and mode. */
  readonly files: Readonly<Record<string, { readonly content: string; readonly mode: number }>>;
  /** The recipe below this layer. */
  readonly on?: Recipe;
}

/** The bare server. */
export function baseRecipe(mirrors: Mirrors | undefined, access: AptAccess): Recipe {
  return {
    name: "rootfs",
    packages: basePackages,
    sources: mirrors ? sourceLines(mirrors, release) : [],
    aptChecks: access.checks,
    files: {
      "/etc/hostname": { content: "localhost\n", mode: 0o644 },
      "/etc/resolv.conf": { content: "", mode: 0o644 },
      // Empty means: make one at the first boot, so that no two machines share theirs (machine-id(5)).
      "/etc/machine-id": { content: "", mode: 0o444 },
      "/etc/timezone": { content: "Etc/UTC\n", mode: 0o644 },
      // Killing a host keeps what the kernel has cached, so the syncs of dpkg protect nothing here and cost seconds.
      "/etc/dpkg/dpkg.cfg.d/lab": { content: "force-unsafe-io\n", mode: 0o644 },
      ...(access.checks.length > 0 && {
        "/etc/apt/apt.conf.d/02checks": { content: `${access.checks.join("\n")}\n`, mode: 0o644 },
      }),
      [`/etc/sudoers.d/${loginUser}`]: { content: `${loginUser} ALL=(ALL:ALL) NOPASSWD: ALL\n`, mode: 0o440 },
    },
  };
}

/** The vendor's host, on top of the bare server. */
export function vendorRecipe(on: Recipe): Recipe {
  return { ...on, name: "vendor", packages: vendorPackages, files: {}, on };
}

/** What a virtual machine needs on top of the bare server: a kernel of its own, and the packages that it is wanted with. */
export function virtualMachineRecipe(on: Recipe, packages: readonly string[] = []): Recipe {
  return { ...on, name: "machine", packages: [...virtualMachinePackages, ...packages], files: {}, on };
}

/** Folder name of a built recipe: its name and a hash of everything that goes into it. */
export function cacheName(recipe: Recipe): string {
  return `${recipe.name}-${createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 12)}`;
}

/** Recipes from the lowest layer to the given one. */
export function layersOf(recipe: Recipe): Recipe[] {
  return [...(recipe.on ? layersOf(recipe.on) : []), recipe];
}

/**
 * Namespaces of its own for a build. When the building process dies in any way, setpriv(1) ends unshare(1), which ends PID 1 of the
 * namespace, which ends the rest; the mounts go with them.
 */
const enclosed = [
  "setpriv",
  "--pdeathsig",
  "KILL",
  "unshare",
  "--mount",
  "--propagation=private",
  "--pid",
  "--fork",
  "--kill-child",
  "--mount-proc",
] as const;

/** The mmdebstrap(1) call that makes a lowest layer in `target`. */
export function bootstrapWords(recipe: Recipe, access: AptAccess, target: string): Words {
  return [
    ...enclosed,
    "mmdebstrap",
    "--mode=root",
    "--variant=minbase",
    "--format=directory",
    `--include=${recipe.packages.join(",")}`,
    "--dpkgopt=force-unsafe-io",
    ...aptOptions(recipe, access).map((option) => `--aptopt=${option}`),
    release,
    target,
    ...recipe.sources,
  ];
}

/** Where, while a layer is installed, its root file system has the certificate authorities of this machine. */
export const machineAuthorities = "/run/machine-authorities.crt";

/** The apt-get(8) call that installs a further layer in the root file system `root`; nothing it starts outlives it. */
export function installWords(recipe: Recipe, root: string, command: "update" | "install"): Words {
  return [
    ...enclosed,
    `--root=${root}`,
    "apt-get",
    "--quiet",
    "--option=APT::Update::Error-Mode=any",
    `--option=Acquire::https::CAInfo=${machineAuthorities}`,
    ...(command === "update" ? ["update"] : ["install", "--yes", "--no-install-recommends", ...recipe.packages]),
  ];
}

/** Options for an apt that runs on this machine, as in apt.conf(5). */
function aptOptions(recipe: Recipe, access: AptAccess): string[] {
  return [...recipe.aptChecks, ...(access.proxy ? [`Acquire::http::Proxy "${access.proxy}";`] : [])];
}
