import { describe, expect, it } from "vitest";
import { propertyPath } from "../../../../infra/provider/problems.ts";
import { type SysctlSeen, sysctl } from "../../../../infra/provider/resources/sysctl.ts";
import { run, write } from "../../../../infra/provider/step.ts";
import { checked } from "../checked.ts";
import { FakeHost } from "../fake-host.ts";

const file = "/etc/sysctl.d/60-net.conf";
const rp = "net.ipv4.conf.all.rp_filter";
const range = "net.ipv4.ip_local_port_range";
const want = { name: "net", values: { [rp]: "1", [range]: "1024 60999" } };
const agreed: SysctlSeen = { name: "net", values: want.values, persisted: want.values, dropped: {} };
const untouched: SysctlSeen = {
  name: "net",
  values: { [rp]: "2", [range]: "32768 60999" },
  persisted: {},
  dropped: {},
};
const memory = { before: untouched.values };

const setRp = run(`set ${rp} to 1`, ["sysctl", "-w", "--", `${rp}=1`], { property: "values" });
const setRange = run(`set ${range} to 1024 60999`, ["sysctl", "-w", "--", `${range}=1024 60999`], {
  property: "values",
});
const writeFile = write(`write ${file}`, {
  path: file,
  content: `${rp} = 1\n${range} = 1024 60999\n`,
  owner: "root",
  group: "root",
  mode: "0644",
  property: "persisted",
});

describe("observe", () => {
  const paths = {
    [file]: { content: `# by hand\n${rp}=1\n-net/ipv4/ip_local_port_range = 1024\t60999\n; off\n` },
    "/proc/sys/net/ipv4/conf/all/rp_filter": { content: "1\n" },
    "/proc/sys/net/ipv4/ip_local_port_range": { content: "1024\t60999\n" },
  };

  it("reads the kernel's values and the file's", async () => {
    expect(await sysctl.observe(new FakeHost({ paths }), want)).toEqual(agreed);
  });

  it("reads what left the program", async () => {
    const seen = await sysctl.observe(new FakeHost({ paths }), { name: "net", values: { [rp]: "1" } }, want);
    expect(seen).toEqual({ ...agreed, values: { [rp]: "1" }, dropped: { [range]: "1024 60999" } });
  });

  it("takes the keys from the file in an import", async () => {
    expect(await sysctl.observe(new FakeHost({ paths }), { name: "net" })).toEqual(agreed);
    expect(await sysctl.observe(new FakeHost({ paths: { [file]: null } }), { name: "net" })).toBeUndefined();
  });

  it("reads an interface with a dot in its name, and leaves out what the kernel does not show", async () => {
    const values = { "net.ipv4.conf.eth0/1.rp_filter": "1", "net.ipv4.nosuch": "1", "net.ipv4.route.flush": "1" };
    const host = new FakeHost({
      paths: {
        [file]: null,
        "/proc/sys/net/ipv4/conf/eth0.1/rp_filter": { content: "0\n" },
        "/proc/sys/net/ipv4/nosuch": null,
        "/proc/sys/net/ipv4/route/flush": {},
      },
    });
    const seen = await sysctl.observe(host, { name: "net", values });
    expect(seen?.values).toEqual({ "net.ipv4.conf.eth0/1.rp_filter": "0" });
    expect(sysctl.refuse?.({ name: "net", values }, seen, false)?.why).toBe(
      "the kernel does not have, or does not show, net.ipv4.nosuch, net.ipv4.route.flush",
    );
  });
});

describe("plan", () => {
  it.each<[string, SysctlSeen | undefined, object[]]>([
    ["agrees", agreed, []],
    ["sets and writes everything", untouched, [setRp, setRange, writeFile]],
    ["sets one value that drifted", { ...agreed, values: { ...agreed.values, [rp]: "0" } }, [setRp]],
    ["writes the file again", { ...agreed, persisted: { ...agreed.persisted, "kernel.sysrq": "1" } }, [writeFile]],
    [
      "puts back what left the program",
      { ...agreed, dropped: { "net.ipv4.tcp_syncookies": "0" } },
      [
        run("set net.ipv4.tcp_syncookies to 1", ["sysctl", "-w", "--", "net.ipv4.tcp_syncookies=1"], {
          property: "dropped",
        }),
      ],
    ],
    ["leaves what it knows nothing of", { ...agreed, dropped: { "kernel.sysrq": "0" } }, []],
  ])("%s", (_, seen, steps) => {
    expect(sysctl.plan(want, seen, { before: { "net.ipv4.tcp_syncookies": "1" } })).toEqual(steps);
  });
});

describe("refuse", () => {
  it("a file that is not ours and differs", () => {
    const foreign = { ...agreed, persisted: { "kernel.sysrq": "1" } };
    expect(sysctl.refuse?.(want, foreign, false)?.why).toBe(
      `${file} exists already, was not made by this program, and differs`,
    );
    expect(sysctl.refuse?.(want, foreign, true)).toBeUndefined();
    expect(sysctl.refuse?.(want, agreed, false)).toBeUndefined();
    expect(sysctl.refuse?.(want, untouched, false)).toBeUndefined();
  });
});

describe("remember", () => {
  it("keeps the first value of each key, and forgets what was put back", () => {
    expect(sysctl.remember?.(want, untouched, undefined)).toEqual(memory);
    expect(sysctl.remember?.(want, agreed, { before: { ...memory.before, "kernel.sysrq": "1" } })).toEqual(memory);
    const dropped = { ...agreed, dropped: { "kernel.sysrq": "0" } };
    expect(sysctl.remember?.(want, dropped, { before: { ...memory.before, "kernel.sysrq": "1" } })).toEqual({
      before: { ...memory.before, "kernel.sysrq": "1" },
    });
  });
});

describe("remove", () => {
  it("takes the file away and puts the values back", () => {
    expect(sysctl.remove(agreed, memory)).toEqual([
      run(`remove ${file}`, ["rm", "-f", "--", file]),
      run(`set ${rp} to 2`, ["sysctl", "-w", "--", `${rp}=2`], { property: "dropped" }),
      run(`set ${range} to 32768 60999`, ["sysctl", "-w", "--", `${range}=32768 60999`], { property: "dropped" }),
    ]);
  });

  it("does nothing a second time", () => {
    expect(sysctl.remove(untouched, memory)).toEqual([]);
  });

  it("leaves the values of an import", () => {
    expect(sysctl.remove(agreed)).toEqual([run(`remove ${file}`, ["rm", "-f", "--", file])]);
  });
});

describe("check", () => {
  it("makes white space canonical", () => {
    expect(checked(sysctl, { name: "net", values: { [rp]: " 1\n", [range]: "1024\t60999" } })).toEqual(want);
  });

  it.each([["net.ipv4"], ["net.ipv4.conf.eth0/1.rp_filter"], ["kernel.yama.ptrace_scope"]])(
    "accepts the key %s",
    (key) => {
      expect(checked(sysctl, { name: "net", values: { [key]: "1" } })).toEqual({ name: "net", values: { [key]: "1" } });
    },
  );

  it.each([
    ["rp_filter"],
    ["net..x"],
    ["net.//.//.x"],
    ["../x.y"],
    ["net.ipv4=1"],
    ["-w.x=y"],
    ["net.*.x"],
    ["net.a b"],
    ["net/ipv4.x"],
    ["net.x\ny.z"],
  ])("refuses the key %j", (key) => {
    expect(checked(sysctl, { name: "net", values: { [key]: "1" } })).toEqual([
      {
        property: propertyPath(["values", key]),
        reason: "must be a key such as net.ipv4.tcp_syncookies; given as a key",
      },
    ]);
  });

  it("reports all mistakes at once", () => {
    expect(checked(sysctl, { name: "../x", values: { [rp]: "" }, file: "x" })).toEqual([
      { property: "file", reason: "unknown property; allowed are name, values" },
      { property: "name", reason: 'must be one word of letters, digits, _ and -; given: "../x"' },
      { property: `values["${rp}"]`, reason: 'must be one line of printable ASCII; given: ""' },
    ]);
    expect(checked(sysctl, { name: "net", values: {} })).toEqual([
      { property: "values", reason: "must name at least one key; given: {}" },
    ]);
  });
});

it("is named by its word", () => {
  expect([sysctl.named("net"), sysctl.named("a/b")]).toEqual([{ name: "net" }, undefined]);
});
