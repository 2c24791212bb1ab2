import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { run } from "../../lab/command.ts";
import { statusLab } from "../../lab/lab.ts";
import { labSettings } from "../../lab/settings.ts";
import { shellWords } from "../../lab/show.ts";
import type { VmOptions } from "../../lab/status.ts";
import { downVm, upVm } from "../../lab/vm.ts";
import { finish } from "../../scripts/command.ts";
import { projectFolder } from "../../scripts/engine/environment.ts";
import {
  initStacks,
  type LabStacks,
  openLabStacks,
  update,
  writeConfiguration,
} from "../../scripts/start/lab-stack.ts";
import { lab } from "./on-lab.ts";

// The whole program against virtual machines, for only they have sizes and a clock of their own. What they are asked for is
// what the program asks for when nothing is configured.
const { signal } = new AbortController();
let stacks: LabStacks;

beforeAll(async () => {
  stacks = await openLabStacks(await mkdtemp(join(tmpdir(), "onprem-preflight-")), inject("engine"));
  await initStacks(stacks, ["fit", "short"], signal);
});

afterAll(() => rm(stacks.folder, { recursive: true, force: true }));

describe("a server of exactly the guide's size, with Debian where it asks for Ubuntu", () => {
  const overridden =
    'os2mo-on-prem:requirements.override.releases is {"debian":["12"]} instead of what profile 2020 asks for.';
  const unsure = "Whether the disk is an SSD (SRV-5) cannot be told here: the virtual disk says it rotates (qemu).";

  // A time service that reaches nobody, and what Ubuntu's server brings too: their installation is a container's to show.
  const packages = ["chrony", "unattended-upgrades", "wireguard-tools"];
  const size = { cores: 4, memoryMiB: 16_384, diskGB: 60 };
  bootedFor({ name: "fit", ...size, packages }, { override: { releases: { debian: ["12"] } } });

  test("SRV-3, SRV-4, SRV-5, SRV-6, Q-SRV-1, Q-SRV-2, Q-SRV-20: passes; what is overridden and what cannot be told are warnings", async () => {
    const { code, planned, errors, warnings } = await preview("fit");
    expect({ code, errors, warnings: warnings.sort() }).toEqual({
      code: 0,
      errors: [],
      warnings: [unsure, overridden],
    });
    expect(planned).toEqual(
      expect.arrayContaining(["server-preflight", "server-baseline-time", "server-firewall", "server-verification"]),
    );
  });

  test("is taken to what it must be, and its clock, an hour ahead, is right and kept so", {
    timeout: 900_000,
  }, async () => {
    await on("fit", "date --set='1 hour' && hwclock --systohc");
    expect(Math.round((await aheadOf("fit")) / 60)).toBe(60);
    expect(await on("fit", clock)).toBe("NTP=yes\nNTPSynchronized=no");

    const { changes, errors, warnings, outputs } = await update(stacks, "fit", signal, () => {});
    const wrong = expect.stringMatching(/^The server's clock is 60 minutes ahead\./);
    expect({ errors, warnings: [...warnings].sort() }).toEqual({ errors: [], warnings: [wrong, unsure, overridden] });
    expect(Object.keys(changes)).toEqual(["create"]);
    expect(outputs.size).toBe("4 cores, 16 GiB of memory, disk of 60 GB");
    expect(String(outputs.verification).split("\n")).toContain("ok: the clock is compared with a time server");

    expect(Math.abs(await aheadOf("fit"))).toBeLessThan(1);
    expect(await on("fit", clock)).toBe("NTP=yes\nNTPSynchronized=yes");
    expect(await on("fit", "systemctl is-active chrony.service")).toBe("active");
  });
});

describe("a server short of everything", () => {
  bootedFor({ name: "short", cores: 2, memoryMiB: 4_096, diskGB: 20 });

  test("SRV-3, SRV-4, SRV-5, SRV-6, Q-SRV-1, Q-SRV-20: is refused with all of it in one error, and nothing on it is touched", async () => {
    const refusal = [
      'onprem:linux:Facts "server-preflight": nothing was changed on short.lab.test',
      "  needs 4 cores (SRV-3), has 2",
      "  needs 16 GiB of memory (SRV-4), has 4 GiB",
      "  needs a disk of 60 GB (SRV-5), has 20 GB",
      "  needs Ubuntu 20.04 (SRV-6), has Debian 12",
      "  Give the server what it lacks, or lower the requirement in the configuration, knowingly.",
    ].join("\n");
    // Nothing else may write in the meantime: neither the end of the boot nor what is due at some hour.
    await on("short", "systemctl is-system-running --wait || true; systemctl stop '*.timer'; touch /run/before");

    const previewed = await preview("short");
    expect([previewed.code === 0, previewed.errors]).toEqual([false, [refusal]]);
    const { changes, errors } = await update(stacks, "short", signal, () => {});
    expect(errors).toEqual([refusal]);
    // The component may be told of or not, for it has nothing on the server.
    expect({ ...changes, create: changes.create?.filter((name) => name !== "Server server") }).toEqual({
      create: ["onprem server"],
    });

    // What being logged in to leaves behind is elsewhere: the journal, and the folders of services that were asked something.
    const traces = ["/dev", "/run", "/tmp", "/var/log", "/var/tmp"].map((path) => `-path ${path}`).join(" -o ");
    expect(await on("short", `find / -xdev \\( ${traces} \\) -prune -o -newercc /run/before -print`)).toBe("");
    expect(await on("short", "nft list ruleset")).toBe("");
  });
});

/** Whether the server's clock is kept by a service, and whether the kernel holds it to be right; timedatectl(1). */
const clock = "timedatectl show --property=NTP --property=NTPSynchronized";

/** Boots a virtual machine for the tests of a block, with a configuration of its own, and removes it after them. */
function bootedFor(size: Omit<VmOptions, "lab">, requirements?: object): void {
  beforeAll(async () => {
    const vm = { ...size, lab: lab().name, progress: () => undefined };
    await downVm(vm); // of a run that was killed, in a lab that is kept
    const { addresses, fqdn, hostKey, login } = await upVm(vm);
    const { "os2mo-on-prem:requirements": _, ...settings } = labSettings(lab(), "production");
    const { privateKeyFile } = login;
    await writeConfiguration(stacks, size.name, {
      ...settings,
      "os2mo-on-prem:server": { host: addresses.v4, user: "deploy", hostKey, privateKeyFile, hostname: fqdn },
      "os2mo-on-prem:time": { servers: [lab().services.ntp.addresses.v4] },
      ...(requirements && { "os2mo-on-prem:requirements": requirements }),
    });
  }, 400_000);
  afterAll(() => downVm({ name: size.name, lab: lab().name, progress: () => undefined }));
}

interface Previewed {
  readonly code: number | null;
  /** Names of the resources that would be created. */
  readonly planned: string[];
  readonly errors: string[];
  readonly warnings: string[];
}

async function preview(stack: string): Promise<Previewed> {
  const configFile = join(stacks.folder, `Pulumi.${stack}.yaml`);
  const words = ["preview", "--non-interactive", "--json", "--stack", stack, "--config-file", configFile];
  const { code, stdout } = await finish(["pulumi", "-C", projectFolder, ...words], { env: stacks.env });
  const { diagnostics = [], steps = [] } = JSON.parse(stdout) as {
    diagnostics?: { severity: string; message: string }[];
    steps?: { op: string; urn: string }[];
  };
  const texts = (severity: string) =>
    diagnostics
      .filter((found) => found.severity === severity)
      .map(({ message }) => message.trim().replace(/^(error|warning): (Preview failed: )?/, ""))
      .filter((message) => message !== "preview failed"); // the engine's closing words
  const planned = steps.filter(({ op }) => op === "create").map(({ urn }) => urn.split("::").at(-1) ?? "");
  return { code, planned, errors: texts("error"), warnings: texts("warning") };
}

/** Runs a shell script on a virtual machine as root, through the account that stays; its standard output. */
async function on(name: string, script: string): Promise<string> {
  const words = await shellWords(await statusLab(lab().name), name, "deploy", ["sudo", "sh", "-e"]);
  return (await run(words, { input: script })).trimEnd();
}

/** Seconds that a server's clock is ahead of this machine's; none as long as it is between the question and the answer. */
async function aheadOf(name: string): Promise<number> {
  const asked = Date.now();
  const there = Number(await on(name, "date +%s%3N"));
  const answered = Date.now();
  return (there - Math.min(Math.max(there, asked), answered)) / 1000;
}
