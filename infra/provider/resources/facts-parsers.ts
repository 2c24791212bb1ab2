/** What the tools that `Facts` asks print, as plain values. A tool that is missing or has nothing to say is no error. */

/** The operating system by os-release(5). */
export interface OperatingSystem {
  /** `ubuntu`, `debian`, … */
  id: string;
  /** `20.04`, `12`; empty for a rolling release. */
  release: string;
  /** `focal`, `bookworm`; empty where the system names none. */
  codename: string;
  /** As people say it: `Ubuntu 20.04.6 LTS`. */
  prettyName: string;
}

/** From the text of os-release(5): assignments as a shell reads them, without expansion. */
export function operatingSystem(text: string): OperatingSystem {
  const values = new Map(
    text.split("\n").flatMap((line): [string, string][] => {
      const [, key, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line.trim()) ?? [];
      return key === undefined ? [] : [[key, unquoted(value ?? "")]];
    }),
  );
  const id = values.get("ID") ?? "linux";
  return {
    id,
    release: values.get("VERSION_ID") ?? "",
    codename: values.get("VERSION_CODENAME") ?? "",
    prettyName: values.get("PRETTY_NAME") ?? id,
  };
}

function unquoted(value: string): string {
  const [, , inner] = /^(["'])(.*)\1$/.exec(value) ?? [];
  return (inner ?? value).replace(/\\(["'$`\\])/g, "$1");
}

/** How many processors a kernel list such as `0-3,6` names (cpuset(7), "List format"). */
export function listed(text: string): number {
  const ranges = text.trim().split(",").filter(Boolean);
  return ranges.reduce((sum, range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return sum + last - first + 1;
  }, 0);
}

/** Memory of a server. */
export interface Memory {
  bytes: number;
  /**
   * `installed`: all of it, from the kernel's memory blocks. `usable`: without what firmware and kernel keep to themselves,
   * where there are no such blocks.
   */
  source: "installed" | "usable";
}

/** From `lsmem --json --bytes` where the kernel has memory blocks, else from /proc/meminfo. */
export function memory(lsmem: string, meminfo: string): Memory {
  const blocks = rows(lsmem, "memory").filter((block) => block.state === "online");
  const installed = blocks.reduce((sum, block) => sum + number(block.size), 0);
  if (installed > 0) return { bytes: installed, source: "installed" };
  return { bytes: Number(/^MemTotal:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0) * 1024, source: "usable" };
}

/** A whole disk. */
export interface Disk {
  /** Kernel name: `sda`, `nvme0n1`. */
  name: string;
  bytes: number;
  /** Whether the kernel takes it for a rotating disk. Of a virtual disk nobody knows what is below. */
  rotational: boolean;
}

/** What holds the root file system. */
export interface RootDisk {
  /** Kernel name of the disk or volume, or what is mounted at `/`. */
  name: string;
  bytes: number;
  /**
   * `disk`: the size of the whole disk. `volume`: of what several disks form together. `file system`: only the file system
   * is seen, as in a container; it is a little smaller than its disk.
   */
  source: "disk" | "volume" | "file system";
  /** Left out where no disk can be seen. */
  rotational?: boolean;
}

interface Block {
  name: string;
  path: string;
  type: string;
  bytes: number;
  rotational: boolean;
  parents: Block[];
}

/**
 * From `lsblk --json --bytes` and `findmnt --json --bytes /`: every disk, and the one that holds `/`, below partitions,
 * encryption and volumes.
 */
export function disks(lsblk: string, findmnt: string): { disks: Disk[]; disk: RootDisk } {
  const blocks = new Map<string, Block>();
  for (const row of rows(lsblk, "blockdevices")) gather(row, undefined, blocks);
  const whole = [...blocks.values()].filter(({ type, bytes }) => type === "disk" && bytes > 0);
  const [root = {}] = rows(findmnt, "filesystems");
  const source = String(root.source ?? "");
  const mounted = [...blocks.values()].find(({ path }) => path !== "" && path === source);
  return {
    disks: whole
      .map(({ name, bytes, rotational }) => ({ name, bytes, rotational }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    disk: mounted === undefined ? { name: source, bytes: number(root.size), source: "file system" } : below(mounted),
  };
}

/** A volume over several disks is listed below each of them. */
function gather(row: Row, parent: Block | undefined, blocks: Map<string, Block>): void {
  const path = String(row.path ?? "");
  const block = blocks.get(path) ?? {
    name: String(row.name ?? ""),
    path,
    type: String(row.type ?? ""),
    bytes: number(row.size),
    rotational: row.rota === true || row.rota === "1",
    parents: [],
  };
  blocks.set(path, block);
  if (parent !== undefined && !block.parents.includes(parent)) block.parents.push(parent);
  for (const child of Array.isArray(row.children) ? row.children : []) gather(child as Row, block, blocks);
}

function below(mounted: Block): RootDisk {
  let block = mounted;
  while (block.parents.length === 1 && block.parents[0] !== undefined) block = block.parents[0];
  const { name, bytes, type } = block;
  return { name, bytes, source: type === "disk" ? "disk" : "volume", rotational: rotates(block) };
}

function rotates(block: Block): boolean {
  return block.parents.length === 0 ? block.rotational : block.parents.some(rotates);
}

/** Addresses of one network interface. */
export interface InterfaceAddresses {
  v4: string[];
  v6: string[];
}

/** From `ip -json addr show`: what others can reach, without link-local and temporary addresses, which come and go. */
export function addresses(ip: string): Record<string, InterfaceAddresses> {
  const found: Record<string, InterfaceAddresses> = {};
  for (const { ifname, addr_info } of parsed(ip) as { ifname?: string; addr_info?: Row[] }[]) {
    const stable = (addr_info ?? []).filter(
      ({ scope, temporary, deprecated }) => scope === "global" && !temporary && !deprecated,
    );
    if (ifname === undefined || stable.length === 0) continue;
    const of = (family: string) =>
      stable
        .filter((address) => address.family === family)
        .map(({ local }) => String(local))
        .sort();
    found[ifname] = { v4: of("inet"), v6: of("inet6") };
  }
  return found;
}

/** From `timedatectl show`: lines `Key=value`. */
export function timeProperties(text: string): { timeZone: string; timeSynchronised?: boolean } {
  const synchronised = /^NTPSynchronized=(yes|no)$/m.exec(text)?.[1];
  return {
    timeZone: /^Timezone=(.*)$/m.exec(text)?.[1] ?? "",
    ...(synchronised === undefined ? {} : { timeSynchronised: synchronised === "yes" }),
  };
}

/** Seconds by which a clock may differ from ours and count as right: a busy server takes its time to answer. */
const clockTolerance = 120;

/**
 * How far a server's clock is from ours, in whole days, hours or minutes; `undefined` when it is right. In words, and not in
 * seconds: what changes by itself would be a difference in every run.
 *
 * @param there What the server's `date +%s` said. @param asked, answered Milliseconds since 1970 by our clock.
 */
export function clockOff(there: string, asked: number, answered: number): string | undefined {
  const seconds = Number.parseInt(there, 10);
  const off = seconds - Math.min(Math.max(seconds, asked / 1000), answered / 1000);
  if (Number.isNaN(off) || Math.abs(off) < clockTolerance) return undefined;
  const [unit, size] = units.find(([, size]) => Math.abs(off) >= 2 * size) ?? ["minutes", 60];
  return `${Math.round(Math.abs(off) / size)} ${unit} ${off > 0 ? "ahead" : "behind"}`;
}

const units: readonly (readonly [string, number])[] = [
  ["days", 86_400],
  ["hours", 3_600],
  ["minutes", 60],
];

type Row = Record<string, unknown>;

function rows(json: string, key: string): Row[] {
  const found = (parsed(json) as Record<string, Row[]>)[key];
  return Array.isArray(found) ? found : [];
}

function parsed(json: string): object {
  return json.trim() === "" ? [] : JSON.parse(json);
}

/** util-linux before 2.33 prints numbers as strings. */
function number(value: unknown): number {
  return Number(value ?? 0);
}
