import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect } from "vitest";
import { connect } from "../../../infra/provider/host/ssh-host.ts";
import { apply } from "../../../infra/provider/lifecycle.ts";
import { Problems } from "../../../infra/provider/problems.ts";
import { type FileTreeWant, fileTree } from "../../../infra/provider/resources/file-tree.ts";
import { run } from "../../../lab/command.ts";
import { statusLab } from "../../../lab/lab.ts";
import { shellWords } from "../../../lab/show.ts";
import type { MachineStatus } from "../../../lab/status.ts";
import { downVm, upVm } from "../../../lab/vm.ts";
import { connectionTo, lab, stackOn } from "../on-lab.ts";
import { fault } from "./fault.ts";
import { randomMoments } from "./moments.ts";

// On a virtual machine, whose page cache goes with its QEMU: a server of the lab is a container and would lose nothing.

const size = { name: "power", cores: 4, memoryMiB: 16_384, diskGB: 60, last: 24, progress: () => undefined } as const;
const path = "/srv/power";
const count = 40;

/** Where files stand that are written without our care, and how many bytes each has. */
const careless = "/srv/careless";
const carelessBytes = 30_000;

/** Longest time to the cut from when all files were overwritten once, in seconds. */
const longest = 6;

beforeAll(async () => {
  await downVm({ ...size, lab: lab().name }); // of a run that was killed, in a lab that is kept
  await boot();
}, 600_000);
afterAll(() => downVm({ ...size, lab: lab().name }));

fault(
  "interrupted/power-cut",
  {
    done: `QEMU of a virtual machine of the guide's size killed at random moments while ${count} files of 64 KiB are overwritten again and again`,
    holds:
      "After each boot every file is whole, the old or the new one, with its owner and mode; one `up` converges, no temporary file is left then, and a further `up` changes nothing. Of files that are written without our care up to the same cut, the last are lost.",
    timeout: 3_600_000,
  },
  async (report) => {
    const { seed, fractions } = randomMoments("power");
    // A cut takes a boot and two updates of an emulated machine: fewer of them than of other moments.
    const cuts = fractions.slice(0, Math.min(5, Math.ceil(fractions.length / 2)));
    await using stack = await stackOn(await boot());
    let version = 1;
    expect((await stack.up(program(version))).errors).toEqual([]);
    const counts = { old: 0, new: 0, temporary: 0, careless: 0, lost: 0 };
    for (const fraction of cuts) {
      const cut = await overwrittenUntilCut(version, fraction * longest);
      version = cut.version;
      await boot();
      const sums = (await on(`cd ${path}; sha256sum *; stat -c '%U:%G %a' * | sort -u`)).split("\n");
      expect(sums.pop()).toBe("root:root 644");
      expect(sums).toHaveLength(count);
      for (const [index, sum] of sums.entries()) {
        const [old, young] = [line(version - 1, index), line(version, index)];
        expect([old, young]).toContain(sum);
        counts[sum === young ? "new" : "old"] += 1;
      }
      const lost =
        cut.careless - Number(await on(`find ${careless} -type f -size ${carelessBytes}c 2>/dev/null | wc -l`));
      expect(lost).toBeGreaterThan(0);
      counts.careless += cut.careless;
      counts.lost += lost;
      counts.temporary += (await temporary()).length;
      const healing = await stack.up(program(version));
      expect({ code: healing.code, errors: healing.errors }).toEqual({ code: 0, errors: [] });
      expect(await on(`cd ${path}; sha256sum *`)).toBe(
        Array.from({ length: count }, (_, index) => line(version, index)).join("\n"),
      );
      expect(await temporary()).toEqual([]);
      const again = await stack.up(program(version));
      expect({ code: again.code, changes: again.changes }).toEqual({ code: 0, changes: {} });
    }
    report.seen(
      `${cuts.length} cuts (seed ${seed}), the last loop was at version ${version}: ${counts.old} files were the old one, ${counts.new} the new one, none was broken`,
    );
    report.seen(`of ${counts.careless} files written without care in the same seconds, ${counts.lost} were lost`);
    report.seen(`${counts.temporary} temporary files stood there after the boots, none after the next \`up\``);
  },
);

/** What was being done when the power was cut. */
interface Cut {
  /** The version that was being written. */
  readonly version: number;
  /** How many files had been written without care. */
  readonly careless: number;
}

/** Overwrites the files version by version, writes others without care beside them, and cuts the power in the middle of it. */
async function overwrittenUntilCut(from: number, seconds: number): Promise<Cut> {
  const vm = await boot();
  const host = await connect({ ...connectionTo(vm), name: vm.fqdn }, { say: () => undefined });
  let version = from;
  let isOver = false;
  const first = Promise.withResolvers<void>();
  const loop = (async () => {
    while (!isOver) {
      version += 1;
      const want = fileTree.check({ path, files: files(version) } as Partial<FileTreeWant>, new Problems());
      await apply(fileTree, host, want, { ours: true });
      first.resolve();
    }
  })();
  loop.catch(() => undefined); // it ends with the connection
  await Promise.race([first.promise, loop]);
  using others = await writeCarelessly();
  // However short the time is, some of them are written.
  await expect.poll(others.written, { timeout: 30_000, interval: 50 }).toBeGreaterThan(1);
  const ended = loop.then(() => expect.unreachable("the loop ended before the cut"));
  await Promise.race([sleep(seconds * 1000), ended]);
  isOver = true;
  process.kill(vm.leader ?? expect.fail("it does not run"), "SIGKILL");
  const cut = { version, careless: others.written() };
  await host.close();
  await expect.poll(async () => (await status())?.state, { timeout: 10_000 }).toBe("stopped");
  return cut;
}

/** Writes one file after the other, as programs do that never sync; tells how many it has written. */
async function writeCarelessly() {
  const [program, ...words] = await shellWords(await statusLab(lab().name), size.name, "root", ["sh", "-e"]);
  const child = spawn(program ?? "", words, { stdio: ["pipe", "pipe", "ignore"] });
  // What goes wrong with it shows in what it has written.
  child.on("error", () => undefined);
  child.stdin.on("error", () => undefined);
  child.stdin.end(`
    rm -rf ${careless}
    mkdir ${careless}
    n=0
    while :; do
      n=$((n + 1))
      head -c ${carelessBytes} /dev/urandom >${careless}/$n
      echo $n
      sleep 0.1
    done`);
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-100);
  });
  return {
    written: () => Number(said.split("\n").at(-2) ?? 0),
    [Symbol.dispose]: () => void child.kill("SIGKILL"),
  };
}

function program(version: number) {
  return [{ name: "tree", type: "FileTree", args: { path, files: files(version) } }];
}

function files(version: number): Record<string, { content: string }> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [fileName(index), { content: content(version, index) }]),
  );
}

function fileName(index: number): string {
  return `file-${String(index).padStart(2, "0")}`;
}

function content(version: number, index: number): string {
  const text = `version ${String(version).padStart(6)} of file ${index}\n`;
  return text.repeat(Math.ceil(65_536 / text.length));
}

/** As sha256sum(1) prints a file of a version. */
function line(version: number, index: number): string {
  return `${createHash("sha256").update(content(version, index)).digest("hex")}  ${fileName(index)}`;
}

async function temporary(): Promise<string[]> {
  return (await on(`find ${path} -name '.onprem-*'`)).split("\n").filter(Boolean);
}

/** Boots the virtual machine, with the disk that it has, unless it runs. */
function boot(): Promise<MachineStatus> {
  return upVm({ ...size, lab: lab().name });
}

async function status(): Promise<MachineStatus | undefined> {
  return (await statusLab(lab().name))?.machines.find(({ name }) => name === size.name);
}

/** Runs a shell script on the virtual machine as root; its standard output. */
async function on(script: string): Promise<string> {
  const words = await shellWords(await statusLab(lab().name), size.name, "root", ["sh", "-e"]);
  return (await run(words, { input: script })).trimEnd();
}
