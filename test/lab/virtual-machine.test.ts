import { expect, test } from "vitest";
import { qemuWords } from "../../lab/virtual-machine.ts";
import { downVm, upVm } from "../../lab/vm.ts";

test("SRV-3 SRV-4: qemuWords gives cores and memory, on a tap of the lab's bridge, without acceleration", () => {
  const vm = { name: "full", cores: 4, memoryMiB: 16_384, diskGB: 60, last: 21 };
  expect(qemuWords(vm, "/c/a,b/disk.img", { kernel: "/k", initrd: "/i" })).toEqual([
    "qemu-system-x86_64",
    "-nodefaults",
    "-machine",
    "q35",
    "-accel",
    "tcg,thread=multi",
    "-cpu",
    "max",
    "-smp",
    "4",
    "-m",
    "16384M",
    "-kernel",
    "/k",
    "-initrd",
    "/i",
    "-append",
    "root=/dev/vda rw console=ttyS0 net.ifnames=0",
    "-drive",
    "file=/c/a,,b/disk.img,if=virtio,format=raw,cache=writeback",
    "-netdev",
    "tap,id=net0,ifname=vm-21,script=no,downscript=no",
    "-device",
    "virtio-net-pci,netdev=net0,mac=52:54:00:18:00:15",
    "-device",
    "virtio-rng-pci",
    "-display",
    "none",
    "-serial",
    "stdio",
  ]);
});

test.each(["dev", "vendor", "packages", "Full", "", "../x"])(
  "%o cannot be the name of a virtual machine",
  async (name) => {
    await expect(upVm({ name })).rejects.toThrow(`"${name}" cannot be the name of a virtual machine\n`);
  },
);

test("downVm needs a lab's name", async () => {
  await expect(downVm({ name: "full", lab: "Not A Name" })).rejects.toThrow("cannot be the name of a lab");
});
