import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findGroups, processesOf } from "../../lab/cgroup.ts";
import { run, succeeds } from "../../lab/command.ts";
import { downLab, type LabStatus, resetHost, statusLab, upLab } from "../../lab/lab.ts";
import { startLightHosts } from "../../lab/light-hosts.ts";
import { runFolder } from "../../lab/places.ts";
import { allPorts, portsThat, tcpConnect } from "../../lab/probe.ts";
import { waitUntil } from "../../lab/process.ts";
import { shellWords } from "../../lab/show.ts";
import { startSlowLink } from "../../lab/slow-link.ts";

// Labs of this file alone, beside the one that the other files share.
const [first, second, crashed] = ["a", "b", "c"].map((letter) => `t${process.pid}${letter}`) as [
  string,
  string,
  string,
];
const ours = [first, second, crashed];
const quiet = () => undefined;

let lab: LabStatus;
let bootSeconds: number;

beforeAll(async () => {
  await removeLabsOfDeadRuns();
  await upLab({ name: first, progress: quiet }); // builds what is not cached
  await downLab(first, { progress: quiet });
  const start = Date.now();
  lab = await upLab({ name: first, progress: quiet });
  bootSeconds = (Date.now() - start) / 1000;
});

afterAll(async () => {
  for (const name of ours) await downLab(name, { forget: true, progress: quiet });
});

describe("a lab that is up", () => {
  test("three servers and the vendor's host answer in under 10 seconds", () => {
    expect(lab.state).toBe("up");
    expect(bootSeconds).toBeLessThan(10);
  });

  test("status --json is what upLab returned, and names keys and namespaces that are there", async () => {
    const cli = ["scripts/lab.ts", "status", "--json", "--name", first] as const;
    expect(JSON.parse(await run([process.execPath, ...cli]))).toEqual(lab);
    for (const { netns } of lab.vantagePoints) expect(await run(["nsenter", `--net=${netns}`, "true"])).toBe("");
    expect(lab.machines.map(({ name, state }) => [name, state])).toEqual([
      ["dev", "running"],
      ["test", "running"],
      ["prod", "running"],
      ["vendor", "running"],
    ]);
  });

  test("every machine has an id, host keys and a control group of its own", async () => {
    const ids = await Promise.all(lab.machines.map(({ name }) => on(name, "cat", "/etc/machine-id")));
    expect(new Set(ids).size).toBe(4);
    expect(new Set(lab.machines.map(({ hostKey }) => hostKey)).size).toBe(4);
    for (const { name, leader } of lab.machines) {
      const groups = await readFile(`/proc/${leader}/cgroup`, "utf8");
      expect(groups).toContain(`/onprem-${first}.${name}/`);
      const sshd = await on(name, "systemctl", "show", "--property=MainPID", "--value", "ssh.service");
      expect((await on(name, "cat", "/sys/fs/cgroup/system.slice/ssh.service/cgroup.procs")).split("\n")).toContain(
        sshd.trim(),
      );
    }
  });

  test("a server is bare: nothing failed, no time synchronisation, UTC", async () => {
    expect((await on("dev", "systemctl", "list-units", "--failed", "--plain", "--no-legend")).trim()).toBe("");
    expect((await on("dev", "timedatectl", "show", "--property=Timezone", "--value")).trim()).toBe("Etc/UTC");
    const units = await on("dev", "systemctl", "list-unit-files", "--plain", "--no-legend");
    expect(units.split("\n").filter((line) => /^(chrony|ntp|systemd-timesyncd|unattended)/.test(line))).toEqual([]);
  });

  test("both accounts log in with the lab's key, and deploy may do everything", async () => {
    expect((await on("test", "id", "-un")).trim()).toBe("root");
    expect((await as("deploy", "test", "sudo", "-n", "id", "-un")).trim()).toBe("root");
  });

  test("nobody sets the clock from inside", async () => {
    const now = new Date().toISOString(); // refused or not, the clock stays right
    await expect(on("prod", "date", "--utc", `--set=${now}`)).rejects.toThrow("Operation not permitted");
  });

  test("the vendor's host answers names, and unknown ones at once", async () => {
    for (const server of Object.values(lab.services.dns.addresses)) {
      const resolver = new Resolver({ timeout: 2_000, tries: 1 });
      resolver.setServers([server.includes(":") ? `[${server}]` : server]);
      for (const { fqdn, addresses } of lab.machines) {
        expect([await resolver.resolve4(fqdn), await resolver.resolve6(fqdn)]).toEqual([
          [addresses.v4],
          [addresses.v6],
        ]);
      }
      await expect(resolver.resolve4("nowhere.example")).rejects.toMatchObject({ code: "ENOTFOUND" });
    }
  });

  test("the vendor's host tells the time at stratum 8", async () => {
    for (const server of Object.values(lab.services.ntp.addresses)) expect(await ntpStratum(server)).toBe(8);
  });

  test("NET-2: servers reach the master's ports over IPv4 and IPv6", async () => {
    const { addresses, ports } = lab.services.master;
    for (const address of Object.values(addresses)) {
      for (const port of ports) await on("dev", "nc", "-z", "-w", "2", address, String(port));
    }
  });

  test("servers install packages through the lab's proxy", async () => {
    await on("test", "apt-get", "update", "-qq");
    await as(
      "root",
      "test",
      "env",
      "DEBIAN_FRONTEND=noninteractive",
      "apt-get",
      "install",
      "-qq",
      "--no-install-recommends",
      "tree",
    );
    expect((await on("test", "tree", "--version")).startsWith("tree v")).toBe(true);
  });

  test("a bare server offers 22 to every vantage point, and refuses every other port of all 65535", async () => {
    const { addresses } = machine("prod");
    for (const { netns } of lab.vantagePoints) {
      for (const address of Object.values(addresses)) {
        const first = await tcpConnect(netns, address, allPorts);
        // On a loaded machine an answer may come too late: what seemed filtered is asked again, when little else is.
        const late = portsThat("filtered", first);
        const second = await tcpConnect(netns, address, late, 10_000);
        const all = new Map([...first, ...second]);
        expect([portsThat("open", all), portsThat("filtered", all)]).toEqual([[22], []]);
      }
    }
  });

  test("up again changes nothing", async () => {
    expect(await upLab({ name: first, progress: quiet })).toEqual(lab);
  });

  test("a server survives its own reboot, with its disk", async () => {
    await on("dev", "touch", "/root/kept");
    await on("dev", "systemctl", "reboot").catch(() => undefined); // the connection is cut
    const { leader } = machine("dev");
    await waitUntil(async () => {
      const status = await statusLab(first);
      const now = status?.machines.find(({ name }) => name === "dev")?.leader;
      return (
        now !== null &&
        now !== leader &&
        (await on("dev", "true").then(
          () => true,
          () => false,
        ))
      );
    }, 30_000);
    expect(await on("dev", "ls", "/root/kept")).toBe("/root/kept\n");
  });

  test("a second lab stands beside it and neither reaches the other", async () => {
    const other = await upLab({ name: second, progress: quiet });
    expect([other.state, (await statusLab(first))?.state]).toEqual(["up", "up"]);
    expect(other.ranges.v4).not.toBe(lab.ranges.v4);
    await expect(on("dev", "nc", "-z", "-w", "1", other.machines[0]?.addresses.v4 ?? "", "22")).rejects.toThrow(
      "exit 1",
    );
    await expect(upLab({ name: second, net: lab.ranges.v4, progress: quiet })).rejects.toThrow(
      `lab ${second} is up at`,
    );
    await downLab(second, { forget: true, progress: quiet });
    await on("test", "apt-get", "update", "-qq"); // the shared part of the package proxy stays for those who use it
  });

  test("up heals a machine whose systemd-nspawn was killed, and leaves the others alone", async () => {
    const was = (await statusLab(first)) ?? expect.fail("the lab is gone");
    for (const who of await nspawnOf(first, "prod")) process.kill(who, "SIGKILL");
    await waitUntil(async () => (await statusLab(first))?.state === "degraded", 5_000);
    expect((await statusLab(first))?.machines.map(({ state }) => state)).toEqual([
      "running",
      "running",
      "stopped",
      "running",
    ]);
    const healed = await upLab({ name: first, progress: quiet });
    expect(healed.state).toBe("up");
    expect(healed.machines.map(({ leader }, index) => leader === was.machines[index]?.leader)).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });

  test("reset makes one server bare again and keeps its host key", async () => {
    await on("dev", "touch", "/etc/left-over");
    const status = await resetHost(first, "dev", { progress: quiet });
    await expect(on("dev", "ls", "/etc/left-over")).rejects.toThrow("No such file");
    expect(status.machines.map(({ hostKey }) => hostKey)).toEqual(lab.machines.map(({ hostKey }) => hostKey));
  });

  test("two runs of up at once bring up one lab", async () => {
    const both = await Promise.all([1, 2].map(() => upLab({ name: second, progress: quiet })));
    expect(both[0]).toEqual(both[1]);
  });

  test("mistakes are told in three lines", async () => {
    await expect(resetHost(first, "nobody", { progress: quiet })).rejects.toThrow(
      `lab ${first} has no machine "nobody" to reset\n  it has dev, test, prod, vendor`,
    );
    await expect(upLab({ name: "Not A Name", progress: quiet })).rejects.toThrow("cannot be the name of a lab");
    await expect(resetHost(crashed, "dev", { progress: quiet })).rejects.toThrow(`lab ${crashed} is not up`);
  });
});

describe("a lab that is taken down", () => {
  test("leaves nothing, and what it is remembered by is its keys and its subnet", async () => {
    await downLab(first, { progress: quiet });
    expect(await readdir(runFolder(first))).toEqual(["identity"]);
    expect((await statusLab(first))?.state).toBe("down");
    const again = await upLab({ name: first, progress: quiet });
    await noteNamespaces(again);
    expect(Object.values(await tracesOfLabs()).filter((traces) => traces.length > 0).length).toBeGreaterThan(7);
    expect(again.machines.map(({ hostKey }) => hostKey)).toEqual(lab.machines.map(({ hostKey }) => hostKey));
    expect(again.ranges).toEqual(lab.ranges);
    for (const name of [first, second]) await downLab(name, { forget: true, progress: quiet });
    await expectNothingLeft();
  });

  test.each([200, 500, 800, 1_200])("leaves nothing when up was killed after %i ms", async (milliseconds) => {
    const cli = spawn(process.execPath, ["scripts/lab.ts", "up", "--name", crashed], { stdio: "ignore" });
    const ended = once(cli, "exit");
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    cli.kill("SIGKILL");
    await ended;
    await downLab(crashed, { forget: true, progress: quiet });
    await expectNothingLeft();
  });

  test("leaves nothing when its systemd-nspawn were killed, of a slow line and of light hosts neither", async () => {
    await noteNamespaces(await upLab({ name: crashed, progress: quiet }));
    await startSlowLink(crashed, { delay: 10 });
    await startLightHosts(crashed, 2);
    for (const name of ["dev", "vendor"]) {
      for (const who of await nspawnOf(crashed, name)) process.kill(who, "SIGKILL");
    }
    await downLab(crashed, { forget: true, progress: quiet });
    await expectNothingLeft();
  });

  test("leaves nothing when what was recorded is gone", async () => {
    await upLab({ name: crashed, progress: quiet });
    await run(["find", join(runFolder(crashed), "machines"), "-name", "process.json", "-delete"]);
    await run(["rm", "-r", join(runFolder(crashed), "identity")]);
    await downLab(crashed, { forget: true, progress: quiet });
    await expectNothingLeft();
  });

  test("down of a lab that was never up does nothing", async () => {
    await downLab(crashed, { forget: true, progress: quiet });
    await expectNothingLeft();
    expect(await statusLab(crashed)).toBeUndefined();
  });
});

function machine(name: string) {
  return lab.machines.find((candidate) => candidate.name === name) ?? expect.fail(`no machine ${name}`);
}

async function as(user: string, name: string, ...words: string[]): Promise<string> {
  return run(await shellWords(lab, name, user, words));
}

const on = (name: string, ...words: string[]) => as("root", name, ...words);

/** PIDs of systemd-nspawn of one machine, its supervisor not among them. */
async function nspawnOf(name: string, host: string): Promise<number[]> {
  const groups = await findGroups((group) => group === `onprem-${name}.${host}`);
  const all = (await Promise.all(groups.map(processesOf))).flat().map(({ pid }) => pid);
  const programs = await Promise.all(all.map((pid) => readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")));
  return [...new Set(all.filter((_, index) => programs[index]?.startsWith("systemd-nspawn")))];
}

/**
 * What this machine has that carries the name of a lab of this file, or one of the addresses of `lab`. Everything that a lab makes
 * does; other programs may change the rest of the machine meanwhile.
 */
async function tracesOfLabs() {
  const lines = (text: string) => text.split("\n").filter(Boolean);
  const prefixes = lab ? [lab.ranges.v4.replace("0/24", ""), lab.ranges.v6.replace("0::/60", "")] : [];
  const keep = (texts: string[]) => texts.filter((text) => [...ours, ...prefixes].some((mark) => text.includes(mark)));
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  const inside = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/ns/net`).catch(() => "")));
  return {
    links: keep(lines(await run(["ip", "-oneline", "link"]))),
    addresses: keep(lines(await run(["ip", "-oneline", "address"]))),
    routes: keep([...lines(await run(["ip", "-4", "route"])), ...lines(await run(["ip", "-6", "route"]))]),
    namespaces: keep(lines(await run(["ip", "netns", "list"]))),
    mounts: keep(lines(await readFile("/proc/self/mountinfo", "utf8"))),
    groups: keep(await findGroups((name) => name.startsWith("onprem-"))),
    processes: keep(commands),
    insideNamespaces: inside.filter((namespace) => namespaces.has(namespace)),
    nspawn: keep(lines(await run(["find", "/run/systemd/nspawn", "-mindepth", "2"]).catch(() => ""))),
    files: keep(await readdir("/run/onprem-lab").catch(() => [])).filter((name) => !name.endsWith(".lock")),
    // A machine without nft has no rules.
    rules: keep(lines((await succeeds(["which", "nft"])) ? await run(["nft", "list", "ruleset"]) : "")),
  };
}

/** Network namespaces of labs of this file, as /proc/PID/ns/net names them, to find processes that outlive the name. */
const namespaces = new Set<string>();

async function noteNamespaces(status: LabStatus): Promise<void> {
  for (const netns of [status.router.netns, ...status.vantagePoints.map((point) => point.netns)]) {
    namespaces.add((await run(["nsenter", `--net=${netns}`, "readlink", "/proc/self/ns/net"])).trim());
  }
}

async function expectNothingLeft(): Promise<void> {
  expect(await tracesOfLabs()).toEqual({
    links: [],
    addresses: [],
    routes: [],
    namespaces: [],
    mounts: [],
    groups: [],
    processes: [],
    insideNamespaces: [],
    nspawn: [],
    files: [],
    rules: [],
  });
}

/** A killed run of this file could not take its labs down. */
async function removeLabsOfDeadRuns(): Promise<void> {
  const folders = await readdir(join(runFolder(first), "..")).catch(() => []);
  for (const name of folders) {
    const pid = /^t(\d+)[abc]$/.exec(name)?.[1];
    if (pid === undefined || (await readdir(`/proc/${pid}`).catch(() => undefined))) continue;
    await downLab(name, { forget: true, progress: quiet });
  }
}

/** Stratum in the answer of an NTP server (RFC 5905, section 7.3). */
function ntpStratum(server: string): Promise<number | undefined> {
  const socket = createSocket(server.includes(":") ? "udp6" : "udp4");
  return new Promise<number | undefined>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${server} does not answer NTP`)), 3_000);
    socket.once("message", (answer) => {
      clearTimeout(timer);
      resolve(answer[1]);
    });
    socket.once("error", reject);
    const question = Buffer.alloc(48);
    question[0] = 0b00_100_011; // version 4, mode 3: client
    socket.send(question, 123, server);
  }).finally(() => socket.close());
}
