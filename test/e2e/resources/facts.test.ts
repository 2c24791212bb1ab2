import { afterAll, beforeAll, expect, it } from "vitest";
import type { SshHost } from "../../../infra/provider/host/ssh-host.ts";
import { facts } from "../../../infra/provider/resources/facts.ts";
import { lab as theLab } from "../on-lab.ts";
import { labHost, Managed } from "./lifecycle.ts";

const lab = theLab();
const dev = lab.machines.find(({ name }) => name === "dev");
let host: SshHost;
beforeAll(async () => {
  host = await labHost(lab, "dev", "deploy");
});
afterAll(() => host.close());

it("says what a server is, the same twice, and changes nothing", async () => {
  const managed = new Managed(facts, host);
  expect(await managed.apply({})).toEqual([]);
  expect(managed.seen).toMatchObject({
    os: { id: "debian", release: "12", codename: "bookworm" },
    hostname: "dev",
    addresses: { host0: { v4: [dev?.addresses.v4], v6: [dev?.addresses.v6] } },
    disk: { source: "file system" },
    virtualization: "systemd-nspawn",
  });
  expect(await managed.look()).toEqual(managed.seen);
  expect(await managed.destroy()).toEqual([]);
});

it("looks in one go, however many looks it takes", async () => {
  const before = host.stats.bursts;
  await facts.observe(host, {});
  expect(host.stats.bursts - before).toBe(1);
});

it("lists every shortfall at once (SRV-3 to SRV-6)", async () => {
  const require = {
    cores: 4096,
    memoryGiB: 65_536,
    diskGB: 1_000_000,
    os: [{ id: "ubuntu" as const, releases: ["20.04"] }],
  };
  const failure = await new Managed(facts, host).apply({ require }).catch((error: Error) => error.message.split("\n"));
  expect(failure).toEqual([
    "nothing was changed on dev.lab.test",
    expect.stringMatching(/^ {2}needs 4096 cores \(SRV-3\), has \d+$/),
    expect.stringMatching(/^ {2}needs 65536 GiB of memory \(SRV-4\), has [\d.]+ GiB$/),
    expect.stringMatching(
      /^ {2}needs a disk of 1000000 GB \(SRV-5\), has [\d.]+ GB in its file system, all that can be seen$/,
    ),
    "  needs Ubuntu 20.04 (SRV-6), has Debian 12",
    "  Give the server what it lacks, or lower the requirement in the configuration, knowingly.",
  ]);
});
