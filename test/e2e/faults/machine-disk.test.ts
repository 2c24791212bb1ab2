import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { machine, stackOn, within } from "../on-lab.ts";
import { fault } from "./fault.ts";
import { converges, leftovers, onlyError, seconds, trouble } from "./trouble.ts";

const server = machine("dev");
const folder = "/srv/onprem-fault";
const purge = "dpkg --purge tree >/dev/null 2>&1 || true";

/** A file system of its own for a case, with the size and the number of files that it can hold; what stands there is "old". */
const mounted = (options: string, fill = "true") =>
  trouble(
    server,
    `mkdir -p ${folder}; mount -t tmpfs -o ${options} tmpfs ${folder}; cd ${folder}; echo old >file; ${fill}`,
    `chattr -R -i ${folder}; umount ${folder}; rm -rf ${folder} /var/lib/onprem/kept`,
  );

fault(
  "machine/disk-full",
  {
    done: "A file of 9 MB is written over an old one, to a file system with 2 MB",
    holds:
      "An error that says where and what to do; the old file as it was; nothing of the new one left; with room, one update converges",
  },
  async (report) => {
    const local = await mkdtemp(join(tmpdir(), "onprem-fault-"));
    await using _ = await mounted("size=2m");
    try {
      await writeFile(join(local, "big"), Buffer.alloc(9_000_000, "onprem"));
      await using stack = await stackOn(server);
      const source = { $file: join(local, "big") };
      const resources = [{ name: "big", type: "File", args: { path: `${folder}/file`, source, adopt: true } }];
      const error = onlyError(await stack.up(resources));
      expect(error).toEqual([
        `onprem:linux:File "big": could not write ${folder}/file on dev.lab.test`,
        "No space left on device",
        `Make room there (\`df -h ${folder}\` shows the space, \`df -i ${folder}\` the inodes), then run the update again.`,
      ]);
      expect(await within(server, `cd ${folder}; ls -A; cat file`)).toBe("file\nold");
      report.seen(`"${error.slice(0, 2).join(": ")}", and what to do; the old file whole, beside it nothing`);
      await within(server, `mount -o remount,size=32m ${folder}`);
      await converges(stack, resources);
      expect(await within(server, `cd ${folder}; ls -A; stat -c %s file`)).toBe("file\n9000000");
      report.seen("With room for it, one update wrote it and the next had nothing to do");
    } finally {
      await rm(local, { recursive: true, force: true });
    }
  },
);

fault(
  "machine/disk-full-in-a-tree",
  {
    done: "A tree of 60 files of 16 KiB is written to a file system with room for half of them",
    holds:
      "An error that names the file that found no room; each file is whole or absent; with room, one update writes the rest",
  },
  async (report) => {
    await using _ = await mounted("size=512k");
    await using stack = await stackOn(server);
    const names = Array.from({ length: 60 }, (_, index) => `${String(index).padStart(2, "0")}.conf`);
    const content = (name: string) => `${name}\n`.padEnd(16_384, "#");
    const files = Object.fromEntries(names.map((name) => [name, { content: content(name) }]));
    const resources = [{ name: "tree", type: "FileTree", args: { path: `${folder}/tree`, files } }];
    const error = onlyError(await stack.up(resources));
    expect(error).toEqual([
      expect.stringMatching(/^onprem:linux:FileTree "tree": could not write \S+\/tree\/\d\d\.conf on dev\.lab\.test$/),
      expect.stringContaining("No space left on device"),
      expect.stringContaining(`Make room there (\`df -h ${folder}/tree\``),
    ]);
    const whole = Number(await within(server, `find ${folder}/tree -type f -size 16384c | wc -l`));
    expect(Number(await within(server, `find ${folder}/tree -type f | wc -l`))).toBe(whole);
    expect(whole).toBeGreaterThan(10);
    expect(await leftovers(server, folder)).toBe("");
    report.seen(`${whole} of 60 files were there, each whole; "${error[0]?.replace(/.*: /, "")}: ${error[1]}"`);
    await within(server, `mount -o remount,size=4m ${folder}`);
    await converges(stack, resources);
    expect(Number(await within(server, `find ${folder}/tree -type f -size 16384c | wc -l`))).toBe(60);
    report.seen("With room, one update wrote the others");
  },
);

fault(
  "machine/inodes-used-up",
  {
    done: "A file is written where there is space, but no inode is left",
    holds:
      "An error that names the folder and points to the inodes; nothing left behind; after room was made one update converges",
  },
  async (report) => {
    await using _ = await mounted(
      "size=2m,nr_inodes=16",
      "i=0; while touch used-$i 2>/dev/null; do i=$((i + 1)); done",
    );
    await using stack = await stackOn(server);
    const resources = [
      { name: "one", type: "File", args: { path: `${folder}/file`, content: "new\n", adopt: true } },
      { name: "two", type: "File", args: { path: `${folder}/another`, content: "new\n" }, after: ["one"] },
    ];
    const error = onlyError(await stack.up(resources));
    expect(error).toEqual([
      `onprem:linux:File "one": could not write ${folder}/file on dev.lab.test`,
      `a new file in ${folder}: No space left on device`,
      expect.stringContaining(`\`df -i ${folder}\` the inodes`),
    ]);
    expect(await within(server, `cat ${folder}/file; df --output=iavail ${folder} | tail -n 1 | tr -d ' '`)).toBe(
      "old\n0",
    );
    report.seen(`"${error[1]}", with \`df -i\` to look at; the old file whole`);
    await within(server, `rm ${folder}/used-*`);
    await converges(stack, resources);
    expect(await within(server, `cd ${folder}; ls -A; cat *`)).toBe("another\nfile\nnew\nnew");
    report.seen("With inodes again, one update converged");
  },
);

const readOnly = ["/etc", "/var/cache", "/var/lib"];

fault(
  "machine/read-only",
  {
    done: `${readOnly.join(", ")} are mounted read-only, as a root file system is after an error of the disk; a file and a package are wanted`,
    holds:
      "The login works; an error says so within seconds, for either; nothing left behind; made writable, one update converges",
  },
  async (report) => {
    const each = (...commands: string[]) => `for folder in ${readOnly.join(" ")}; do ${commands.join("; ")}; done`;
    const writable = each('while mountpoint -q "$folder" && umount -l "$folder"; do :; done');
    await using _ = await trouble(
      server,
      each('mount --bind "$folder" "$folder"', 'mount -o remount,bind,ro "$folder"'),
      `${writable}; rm -f /etc/onprem-fault; ${purge}`,
    );
    await using stack = await stackOn(server);
    const file = { name: "one", type: "File", args: { path: "/etc/onprem-fault", content: "new\n" } };
    const tools = { name: "tools", type: "Package", args: { packages: { tree: "installed" } } };
    const failed = await stack.up([file]);
    const error = onlyError(failed);
    expect(error).toEqual([
      'onprem:linux:File "one": could not write /etc/onprem-fault on dev.lab.test',
      "a new file in /etc: Read-only file system",
      expect.stringMatching(/^It is mounted read-only \(`findmnt -T \/etc`; `dmesg` may say why\): make it writable/),
    ]);
    report.seen(`"${error[1]}" after ${seconds(failed.took)}`);
    const refused = onlyError(await stack.up([tools]));
    expect(refused.join("\n")).toMatch(/Read-only file system/);
    report.seen(`For the package: "${refused[1]}"`);
    await within(server, writable);
    await converges(stack, [file, tools]);
    expect(await within(server, "cat /etc/onprem-fault; dpkg-query -W tree | cut -f 1")).toBe("new\ntree");
    expect(await leftovers(server)).toBe("");
    report.seen("Writable again, one update put both there");
  },
);

fault(
  "machine/file-immutable",
  {
    done: "A file that is to be taken over was made immutable by somebody (chattr +i)",
    holds:
      "An error that names the file and the attribute; the file as it was, nothing beside it; without the attribute one update converges",
  },
  async (report) => {
    await using _ = await mounted("size=2m");
    await using stack = await stackOn(server);
    const resources = [{ name: "one", type: "File", args: { path: `${folder}/file`, content: "new\n", adopt: true } }];
    await within(server, `chattr +i ${folder}/file`);
    const error = onlyError(await stack.up(resources));
    expect(error).toEqual([
      `onprem:linux:File "one": could not write ${folder}/file on dev.lab.test`,
      "rename: Operation not permitted",
      `An attribute may forbid it (\`lsattr -d ${folder} ${folder}/file\`; \`chattr -i\` takes it away); then run the update again.`,
    ]);
    expect(await within(server, `cd ${folder}; ls -A; cat file`)).toBe("file\nold");
    report.seen(`"${error.slice(0, 2).join(": ")}", and \`lsattr\` to look at; nothing left beside the file`);
    await within(server, `chattr -i ${folder}/file`);
    await converges(stack, resources);
    expect(await within(server, `cd ${folder}; ls -A; cat file`)).toBe("file\nnew");
    report.seen("Without the attribute, one update wrote it");
  },
);

fault(
  "machine/tmp-full-and-noexec",
  {
    done: "/tmp is full and mounted noexec; a file with a validating command, a unit and a package are wanted",
    holds: "Everything converges: nothing of ours needs /tmp",
  },
  async (report) => {
    const [unit, rights] = ["/etc/systemd/system/onprem-fault.service", "/etc/sudoers.d/onprem-fault"];
    await using _ = await trouble(
      server,
      "mount -t tmpfs -o size=16k,noexec tmpfs /tmp; head -c 100000 /dev/zero >/tmp/full 2>/dev/null || true",
      `umount /tmp; systemctl disable --now onprem-fault.service || true; rm -f ${unit} ${rights}; systemctl daemon-reload; ${purge}`,
    );
    const full = "head -c 5000 /dev/zero 2>&1 >/tmp/more || true";
    expect(await within(server, full)).toContain("No space left on device");
    await using stack = await stackOn(server);
    const text = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n";
    const validate = ["visudo", "-cf", "{}"];
    await converges(stack, [
      { name: "rights", type: "File", args: { path: rights, content: "# none\n", mode: "0440", validate } },
      {
        name: "unit",
        type: "SystemdUnit",
        args: { name: "onprem-fault.service", unit: text, enabled: true, running: true },
      },
      { name: "tools", type: "Package", args: { packages: { tree: "installed" } } },
    ]);
    expect(await within(server, "systemctl is-active onprem-fault.service; dpkg-query -W tree | cut -f 1")).toBe(
      "active\ntree",
    );
    expect(await within(server, full)).toContain("No space left on device");
    report.seen("One update put all three there, the next had nothing to do, and /tmp was still full");
  },
);

fault(
  "machine/run-full",
  {
    done: "/run is full, as a journal that is kept in memory fills it; a file, a package and a unit are wanted",
    holds: "File and package are put there; for the unit an error says what is full; with room, one update converges",
  },
  async (report) => {
    const [path, unit] = ["/etc/onprem-fault", "/etc/systemd/system/onprem-fault.service"];
    await using _ = await trouble(
      server,
      "mount -o remount,size=200k /run; head -c 900000 /dev/zero >/run/onprem-fault 2>/dev/null || true",
      `rm -f /run/onprem-fault; mount -o remount,size=20% /run; systemctl disable --now onprem-fault.service || true; rm -f ${path} ${unit}; systemctl daemon-reload; ${purge}`,
    );
    await using stack = await stackOn(server);
    const text = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n";
    const resources = [
      { name: "one", type: "File", args: { path, content: "new\n" } },
      { name: "tools", type: "Package", args: { packages: { tree: "installed" } }, after: ["one"] },
      {
        name: "unit",
        type: "SystemdUnit",
        args: { name: "onprem-fault.service", unit: text, enabled: true, running: true },
        after: ["tools"],
      },
    ];
    const failed = await stack.up(resources);
    const error = onlyError(failed);
    expect(error).toEqual([
      `onprem:linux:SystemdUnit "unit": could not write ${unit} on dev.lab.test`,
      expect.stringMatching(/^sh: cp: error writing '\/run\/\S+': No space left on device \(exit 1\)$/),
    ]);
    expect(failed.changes).toEqual({ one: "create", tools: "create" });
    expect(await leftovers(server)).toBe("");
    report.seen(`File and package were there; "${error[1]}"`);
    await within(server, "rm /run/onprem-fault; mount -o remount,size=20% /run");
    expect((await converges(stack, resources)).changes).toEqual({ unit: "create" });
    report.seen("With room, one update made the unit");
  },
);
