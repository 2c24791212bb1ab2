import type { FactsSeen } from "./facts.ts";

/** The least that a server must have. What is left out is not asked for. */
export interface ServerRequirements {
  /** Processor cores (SRV-3). */
  cores?: number;
  /** Memory in GiB (SRV-4, Q-SRV-20). */
  memoryGiB?: number;
  /** Size in decimal GB of the disk that holds `/` (SRV-5, Q-SRV-20). */
  diskGB?: number;
  /** Whether that disk must be an SSD (SRV-5). In a virtual machine this can only be a warning. */
  ssd?: boolean;
  /** The operating systems that are allowed (SRV-6, Q-SRV-2). */
  os?: AllowedSystem[];
}

/** An operating system with its allowed releases. */
export interface AllowedSystem {
  id: "ubuntu" | "debian";
  /** As os-release(5) names them: `20.04`, `12`. */
  releases: string[];
}

/**
 * Where the kernel has no memory blocks, what it and the firmware keep is missing from the figure: 2 % of 24 GiB were
 * measured, and a crash kernel takes some more.
 */
const usableShare = 0.94;

/** Where only the file system is seen: ext4 keeps about 2 % of its disk for its own tables. */
const fileSystemShare = 0.95;

/** When Ubuntu's standard support ended, by release. */
const unsupported: Readonly<Record<string, string>> = {
  "16.04": "April 2021",
  "18.04": "May 2023",
  "20.04": "May 2025",
};

/** Everything that a server lacks, each with the requirement that asks for it; empty when it fits. */
export function shortfalls(require: ServerRequirements, seen: FactsSeen): string[] {
  const { cores, memoryGiB, diskGB, ssd, os } = require;
  const found: string[] = [];
  if (cores !== undefined && seen.cores < cores) found.push(`needs ${cores} cores (SRV-3), has ${seen.cores}`);
  if (memoryGiB !== undefined) {
    const least = memoryGiB * 2 ** 30 * (seen.memory.source === "installed" ? 1 : usableShare);
    const has = `${floored(seen.memory.bytes / 2 ** 30)} GiB`;
    if (seen.memory.bytes < least) found.push(`needs ${memoryGiB} GiB of memory (SRV-4), has ${has}`);
  }
  if (diskGB !== undefined) {
    const visible = seen.disk.source !== "file system";
    const least = diskGB * 1e9 * (visible ? 1 : fileSystemShare);
    const has = `${floored(seen.disk.bytes / 1e9)} GB${visible ? "" : " in its file system, all that can be seen"}`;
    if (seen.disk.bytes < least) found.push(`needs a disk of ${diskGB} GB (SRV-5), has ${has}`);
  }
  if (ssd && seen.disk.rotational === true && !virtual(seen)) {
    found.push(`needs an SSD (SRV-5), has a rotating disk (${seen.disk.name})`);
  }
  if (os !== undefined && !os.some(({ id, releases }) => id === seen.os.id && releases.includes(seen.os.release))) {
    const allowed = os.flatMap(({ id, releases }) => releases.map((release) => `${systemName(id)} ${release}`));
    found.push(`needs ${allowed.join(" or ")} (SRV-6), has ${systemName(seen.os.id)} ${seen.os.release}`.trimEnd());
  }
  return found;
}

/** What the user should know although it stops nothing. */
export function reservations(require: ServerRequirements, seen: FactsSeen): string[] {
  const found: string[] = [];
  const ended = seen.os.id === "ubuntu" ? unsupported[seen.os.release] : undefined;
  if (ended !== undefined) {
    found.push(
      `Ubuntu ${seen.os.release} left standard support in ${ended} (Q-SRV-2): without an Ubuntu Pro subscription it gets no security updates.`,
    );
  }
  if (require.ssd && seen.disk.rotational !== false && (virtual(seen) || seen.disk.rotational === undefined)) {
    const seenAs = seen.disk.rotational === undefined ? "no disk can be seen" : "the virtual disk says it rotates";
    found.push(`Whether the disk is an SSD (SRV-5) cannot be told here: ${seenAs} (${seen.virtualization}).`);
  }
  return found;
}

function virtual(seen: FactsSeen): boolean {
  return seen.virtualization !== "none";
}

function systemName(id: string): string {
  return id.charAt(0).toUpperCase() + id.slice(1);
}

/** Rounded down to one decimal, so that what is too small never looks enough. */
function floored(value: number): number {
  return Math.floor(value * 10) / 10;
}
