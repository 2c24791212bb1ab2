import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../lab/command.ts";
import { downLab, type LabStatus, type MachineStatus, statusLab, upLab } from "../../lab/lab.ts";
import { shellWords } from "../../lab/show.ts";
import { downVm, upVm } from "../../lab/vm.ts";

const name = `t${process.pid}v`;
const quiet = () => undefined;
const small = { name: "small", lab: name, cores: 2, memoryMiB: 4_096, diskGB: 20, progress: quiet } as const;
let lab: LabStatus;
let made: MachineStatus;

beforeAll(async () => {
  await upLab({ name, progress: quiet });
  made = await upVm(small);
  lab = (await statusLab(name)) ?? expect.fail("the lab is gone");
});

afterAll(() => downLab(name, { forget: true, progress: quiet }));

test("a virtual machine has the sizes it was asked for", async () => {
  const words = async (file: string) => (await on("cat", file)).trim();
  expect((await on("nproc")).trim()).toBe("2");
  expect(Number(await words("/sys/block/vda/size")) * 512).toBe(20e9);
  const memoryKiB = Number(/MemTotal:\s+(\d+)/.exec(await words("/proc/meminfo"))?.[1]);
  expect([memoryKiB > 3.7 * 2 ** 20, memoryKiB < 4 * 2 ** 20]).toEqual([true, true]);
});

test("it is in the lab's status, with a host key of its own", () => {
  expect(lab.machines.filter(({ kind }) => kind === "virtual-machine")).toEqual([made]);
  expect(made.addresses.v4).toBe(lab.ranges.v4.replace("0/24", "21"));
  expect(new Set(lab.machines.map(({ hostKey }) => hostKey)).size).toBe(5);
});

test("its clock is its own", async () => {
  await on("date", "--utc", "--set=2030-01-01T00:00:00");
  expect((await on("date", "+%Y")).trim()).toBe("2030");
  expect(new Date().getUTCFullYear()).toBeLessThan(2030);
});

test("after a power cut it boots with the disk it had", { timeout: 300_000 }, async () => {
  await on("sh", "-c", "'echo kept >/root/kept && sync'");
  process.kill(made.leader ?? expect.fail("it does not run"), "SIGKILL");
  await expect.poll(async () => (await statusLab(name))?.machines.at(-1)?.state).toBe("stopped");
  const again = await upVm(small);
  expect(again.leader).not.toBe(made.leader);
  expect(await on("cat", "/root/kept")).toBe("kept\n");
});

test("another size under its name, and its address under another name, are refused", async () => {
  await expect(upVm({ ...small, cores: 3 })).rejects.toThrow("virtual machine small is there with other sizes");
  await expect(upVm({ ...small, name: "other" })).rejects.toThrow(`address .21 of lab ${name} belongs to small`);
});

test("downVm leaves the lab as it was", async () => {
  await downVm(small);
  expect((await statusLab(name))?.machines.length).toBe(4);
  expect(await run(["nsenter", `--net=${lab.router.netns}`, "ip", "-oneline", "link"])).not.toContain("vm-21");
});

async function on(...words: string[]): Promise<string> {
  return run(await shellWords(lab, "small", "root", words));
}
