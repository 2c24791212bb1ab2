import { describe, expect, it } from "vitest";
import { type FactsSeen, facts, kernelWireGuard } from "../../../../infra/provider/resources/facts.ts";
import {
  addresses,
  clockOff,
  disks,
  listed,
  memory,
  operatingSystem,
} from "../../../../infra/provider/resources/facts-parsers.ts";
import { checked, fixture } from "../checked.ts";
import { type Answers, FakeHost } from "../fake-host.ts";

const debian: Answers = {
  paths: {
    "/usr/lib/os-release": { content: fixture("os-release-debian-12/os-release") },
    "/etc/machine-id": { content: "5f1c1e5e2b0f4e0f9a6b0c5e7d1a2b3c\n" },
    "/sys/devices/system/cpu/online": { content: "0-1\n" },
    "/proc/meminfo": { content: fixture("meminfo-debian-12/meminfo") },
  },
  looks: {
    "lsmem --json --bytes --output SIZE,STATE": fixture("lsmem-debian-12/online.json"),
    "lsblk --json --bytes --output NAME,PATH,TYPE,SIZE,ROTA": fixture("lsblk-debian-12/container.json"),
    "findmnt -v --json --bytes --output SOURCE,SIZE /": fixture("findmnt-debian-12/container.json"),
    "uname -nrm": "dev 6.18.44-fc-v669 x86_64\n",
    "systemd-detect-virt": "systemd-nspawn\n",
    "timedatectl show --property=Timezone --property=NTPSynchronized": fixture("timedatectl-debian-12/container.txt"),
    "ip -json addr show": fixture("ip-debian-12/container.json"),
    [`sh -c ${kernelWireGuard}`]: "no\n",
    "date +%s": `${Math.round(Date.now() / 1000)}\n`,
  },
};

const seenOnDebian: FactsSeen = {
  os: { id: "debian", release: "12", codename: "bookworm", prettyName: "Debian GNU/Linux 12 (bookworm)" },
  kernel: "6.18.44-fc-v669",
  architecture: "x86_64",
  cores: 2,
  memory: { bytes: 25_769_803_776, source: "installed" },
  disks: [{ name: "vda", bytes: 274_877_906_944, rotational: true }],
  disk: { name: "overlay", bytes: 270_553_174_016, source: "file system" },
  addresses: { host0: { v4: ["198.18.9.11"], v6: ["2001:2:0:90::11"] } },
  timeSynchronised: false,
  timeZone: "Etc/UTC",
  hostname: "dev",
  wireguard: false,
  virtualization: "systemd-nspawn",
  machineId: "5f1c1e5e2b0f4e0f9a6b0c5e7d1a2b3c",
};

/** A server exactly as the requirements ask for. */
const fitting: FactsSeen = {
  ...seenOnDebian,
  os: { id: "ubuntu", release: "24.04", codename: "noble", prettyName: "Ubuntu 24.04.1 LTS" },
  cores: 4,
  memory: { bytes: 16 * 2 ** 30, source: "installed" },
  disk: { name: "sda", bytes: 60e9, source: "disk", rotational: false },
  virtualization: "none",
};

const required = {
  cores: 4,
  memoryGiB: 16,
  diskGB: 60,
  ssd: true,
  os: [{ id: "ubuntu" as const, releases: ["20.04", "24.04"] }],
};

describe("observe", () => {
  it("reads a Debian 12 container", async () => {
    expect(await facts.observe(new FakeHost(debian), {})).toEqual(seenOnDebian);
  });

  it("goes on where a tool is missing or has no answer", async () => {
    const { "/proc/meminfo": meminfo, ...paths } = debian.paths ?? {};
    const poor: Answers = {
      paths: { ...paths, "/proc/meminfo": meminfo ?? null, "/usr/lib/os-release": null, "/etc/machine-id": null },
      looks: {
        ...debian.looks,
        "lsmem --json --bytes --output SIZE,STATE": {
          code: 1,
          stderr: "lsmem: This system does not support memory blocks",
        },
        "lsblk --json --bytes --output NAME,PATH,TYPE,SIZE,ROTA": { code: 32 },
        "systemd-detect-virt": { code: 1, stdout: "none\n" },
        "timedatectl show --property=Timezone --property=NTPSynchronized": {
          code: 1,
          stderr: "Failed to connect to bus",
        },
        "ip -json addr show": "[]",
      },
    };
    const { timeSynchronised: _, ...rest } = seenOnDebian;
    expect(await facts.observe(new FakeHost(poor), {})).toEqual({
      ...rest,
      os: { id: "linux", release: "", codename: "", prettyName: "linux" },
      memory: { bytes: 25_276_502_016, source: "usable" },
      disks: [],
      addresses: {},
      timeZone: "",
      virtualization: "none",
      machineId: "",
    });
  });
});

describe("parsers", () => {
  it.each([
    ["0", 1],
    ["0-3\n", 4],
    ["0-3,6,8-9", 7],
    ["", 0],
  ])("counts processors in %j", (text, count) => {
    expect(listed(text)).toBe(count);
  });

  it.each([
    ["1000", undefined],
    ["1124", undefined],
    ["1125", "2 minutes ahead"],
    ["881", undefined],
    ["400", "10 minutes behind"],
    ["11000", "3 hours ahead"],
    ["31537000", "365 days ahead"],
    ["", undefined],
  ])("a clock that says %j, asked at 1000 and answered at 1005, is off by %j", (there, off) => {
    expect(clockOff(there, 1_000_000, 1_005_000)).toBe(off);
  });

  it("reads quoted values of os-release", () => {
    const text = `# a comment\nNAME="Ubuntu"\nID=ubuntu\nVERSION_ID='20.04'\nPRETTY_NAME="Say \\"hi\\" \\$1"\n`;
    expect(operatingSystem(text)).toEqual({ id: "ubuntu", release: "20.04", codename: "", prettyName: 'Say "hi" $1' });
  });

  it("leaves memory blocks out that are offline", () => {
    const lsmem = '{"memory": [{"size": "1024", "state": "online"}, {"size": 2048, "state": "offline"}]}';
    expect(memory(lsmem, "")).toEqual({ bytes: 1024, source: "installed" });
  });

  it.each(["lsblk-debian-11", "lsblk-debian-12"])(
    "finds the disk of a virtual machine without partitions (%s)",
    (of) => {
      const found = disks(fixture(`${of}/virtual-machine.json`), fixture("findmnt-debian-12/virtual-machine.json"));
      const vda = { name: "vda", bytes: 274_877_906_944, rotational: true };
      expect(found).toEqual({ disks: [vda], disk: { ...vda, source: "disk" } });
    },
  );

  it("finds the disk below a logical volume (strings, as old util-linux prints them)", () => {
    const lv = {
      name: "ubuntu--vg-ubuntu--lv",
      path: "/dev/mapper/ubuntu--vg-ubuntu--lv",
      type: "lvm",
      size: "30000",
      rota: "0",
    };
    const part = { name: "sda3", path: "/dev/sda3", type: "part", size: "59000", rota: "0", children: [lv] };
    const sda = { name: "sda", path: "/dev/sda", type: "disk", size: "60000", rota: "0", children: [part] };
    const rom = { name: "sr0", path: "/dev/sr0", type: "rom", size: "1000", rota: "1" };
    const root = { filesystems: [{ source: "/dev/mapper/ubuntu--vg-ubuntu--lv", size: "29000" }] };
    expect(disks(JSON.stringify({ blockdevices: [rom, sda] }), JSON.stringify(root))).toEqual({
      disks: [{ name: "sda", bytes: 60_000, rotational: false }],
      disk: { name: "sda", bytes: 60_000, source: "disk", rotational: false },
    });
  });

  it("takes a mirror of two disks for what it is", () => {
    const md = { name: "md0", path: "/dev/md0", type: "raid1", size: 59_000, rota: false };
    const disk = (name: string, rota: boolean) => ({
      name,
      path: `/dev/${name}`,
      type: "disk",
      size: 60_000,
      rota,
      children: [md],
    });
    const root = { filesystems: [{ source: "/dev/md0", size: 58_000 }] };
    expect(
      disks(JSON.stringify({ blockdevices: [disk("sdb", true), disk("sda", false)] }), JSON.stringify(root)),
    ).toEqual({
      disks: [
        { name: "sda", bytes: 60_000, rotational: false },
        { name: "sdb", bytes: 60_000, rotational: true },
      ],
      disk: { name: "md0", bytes: 59_000, source: "volume", rotational: true },
    });
  });

  it("leaves addresses out that come and go", () => {
    const address = (local: string, more: object) => ({ family: "inet6", local, scope: "global", ...more });
    const info = [
      address("2001:db8::b", {}),
      address("2001:db8::a", { dynamic: true }),
      address("2001:db8::c", { temporary: true }),
      address("2001:db8::d", { deprecated: true }),
      address("fe80::1", { scope: "link" }),
    ];
    const ip = JSON.stringify([{}, { ifname: "veth1", addr_info: [] }, { ifname: "eth0", addr_info: info }]);
    expect(addresses(ip)).toEqual({ eth0: { v4: [], v6: ["2001:db8::a", "2001:db8::b"] } });
  });
});

describe("refuse", () => {
  const refused = (seen: Partial<FactsSeen>) =>
    facts.refuse?.({ require: required }, { ...fitting, ...seen }, false)?.why.split("\n") ?? [];

  it.each<[string, Partial<FactsSeen>, string[]]>([
    ["nothing of a server that fits exactly (SRV-3 to SRV-6)", {}, []],
    ["nothing of a larger one (Q-SRV-1)", { cores: 8, memory: { bytes: 2 ** 36, source: "installed" } }, []],
    ["too few cores (SRV-3)", { cores: 2 }, ["needs 4 cores (SRV-3), has 2"]],
    [
      "too little memory, however little (SRV-4)",
      { memory: { bytes: 16 * 2 ** 30 - 1, source: "installed" } },
      ["needs 16 GiB of memory (SRV-4), has 15.9 GiB"],
    ],
    [
      "nothing of 16 GiB without what the kernel keeps (SRV-4)",
      { memory: { bytes: 16_300_000_000, source: "usable" } },
      [],
    ],
    [
      "15 GiB without what the kernel keeps (SRV-4)",
      { memory: { bytes: 15 * 2 ** 30, source: "usable" } },
      ["needs 16 GiB of memory (SRV-4), has 15 GiB"],
    ],
    [
      "a disk of 59.99 GB (SRV-5, Q-SRV-20)",
      { disk: { ...fitting.disk, bytes: 59_990_000_000 } },
      ["needs a disk of 60 GB (SRV-5), has 59.9 GB"],
    ],
    [
      "nothing where only a file system of that disk is seen",
      { disk: { name: "overlay", bytes: 58.5e9, source: "file system" } },
      [],
    ],
    [
      "a file system that is too small (SRV-5)",
      { disk: { name: "overlay", bytes: 40e9, source: "file system" } },
      ["needs a disk of 60 GB (SRV-5), has 40 GB in its file system, all that can be seen"],
    ],
    [
      "a rotating disk on bare metal (SRV-5)",
      { disk: { ...fitting.disk, rotational: true } },
      ["needs an SSD (SRV-5), has a rotating disk (sda)"],
    ],
    [
      "nothing of a virtual disk that says it rotates",
      { disk: { ...fitting.disk, rotational: true }, virtualization: "kvm" },
      [],
    ],
    ["another system (SRV-6)", { os: seenOnDebian.os }, ["needs Ubuntu 20.04 or Ubuntu 24.04 (SRV-6), has Debian 12"]],
    [
      "everything at once (SRV-3 to SRV-6)",
      {
        cores: 1,
        memory: { bytes: 2 ** 32, source: "installed" },
        disk: { name: "sda", bytes: 20e9, source: "disk", rotational: true },
        os: seenOnDebian.os,
      },
      [
        "needs 4 cores (SRV-3), has 1",
        "needs 16 GiB of memory (SRV-4), has 4 GiB",
        "needs a disk of 60 GB (SRV-5), has 20 GB",
        "needs an SSD (SRV-5), has a rotating disk (sda)",
        "needs Ubuntu 20.04 or Ubuntu 24.04 (SRV-6), has Debian 12",
      ],
    ],
  ])("%s", (_, seen, why) => {
    expect(refused(seen)).toEqual(why);
  });

  it("asks for nothing without requirements", () => {
    expect(facts.refuse?.({}, { ...fitting, cores: 1 }, false)).toBeUndefined();
  });
});

describe("warn", () => {
  it.each<[string, Partial<FactsSeen>, string[]]>([
    ["nothing", {}, []],
    [
      "of Ubuntu 20.04 (Q-SRV-2)",
      { os: { id: "ubuntu", release: "20.04", codename: "focal", prettyName: "Ubuntu 20.04.6 LTS" } },
      [
        "Ubuntu 20.04 left standard support in May 2025 (Q-SRV-2): without an Ubuntu Pro subscription it gets no security updates.",
      ],
    ],
    [
      "of a virtual disk that says it rotates (SRV-5)",
      { virtualization: "kvm", disk: { ...fitting.disk, rotational: true } },
      ["Whether the disk is an SSD (SRV-5) cannot be told here: the virtual disk says it rotates (kvm)."],
    ],
    [
      "of a disk that cannot be seen (SRV-5)",
      { virtualization: "systemd-nspawn", disk: seenOnDebian.disk },
      ["Whether the disk is an SSD (SRV-5) cannot be told here: no disk can be seen (systemd-nspawn)."],
    ],
    [
      "of a wrong clock",
      { clockOff: "365 days behind" },
      [
        "The server's clock is 365 days behind. A wrong clock makes package lists and certificates look expired or not valid yet. chrony sets it when it starts, and not later: `systemctl restart chrony` on the server, or `date --set`; unless it is this machine's clock that is wrong.",
      ],
    ],
  ])("%s", (_, seen, warnings) => {
    expect(facts.warn?.({ require: required }, { ...fitting, ...seen })).toEqual(warnings);
  });
});

describe("check", () => {
  it("takes nothing, and full requirements", () => {
    expect(checked(facts, {})).toEqual({});
    expect(checked(facts, { require: required })).toEqual({ require: required });
  });

  it("reports all mistakes at once", () => {
    const require = { cores: 0, memoryGiB: "16", discGB: 60, os: [{ id: "fedora", releases: [] }] };
    expect(checked(facts, { require, cores: 4 })).toEqual([
      { property: "cores", reason: "unknown property; allowed are require" },
      { property: "require.cores", reason: "Too small: expected number to be >0; given: 0" },
      { property: "require.memoryGiB", reason: 'Invalid input: expected number, received string; given: "16"' },
      { property: "require.os[0].id", reason: 'Invalid option: expected one of "ubuntu"|"debian"; given: "fedora"' },
      { property: "require.os[0].releases", reason: "Too small: expected array to have >=1 items; given: []" },
      { property: "require.discGB", reason: "unknown property" },
    ]);
  });
});

it("changes and removes nothing", () => {
  expect(facts.plan({}, seenOnDebian)).toEqual([]);
  expect(facts.remove(seenOnDebian)).toEqual([]);
});

it("is named by one word", () => {
  expect([facts.named("facts"), facts.named("dev"), facts.id?.({})]).toEqual([{}, undefined, "facts"]);
});
