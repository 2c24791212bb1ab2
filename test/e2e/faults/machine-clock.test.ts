import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect } from "vitest";
import { chronyText } from "../../../infra/components/baseline.ts";
import { run } from "../../../lab/command.ts";
import { statusLab } from "../../../lab/lab.ts";
import { shellWords } from "../../../lab/show.ts";
import type { MachineStatus } from "../../../lab/status.ts";
import { downVm, upVm } from "../../../lab/vm.ts";
import { lab, machine, stackOn, within } from "../on-lab.ts";
import type { Declared } from "../project/index.ts";
import { fault } from "./fault.ts";
import { seconds } from "./trouble.ts";

// A virtual machine, for only that has a clock of its own: one for both cases. The packages are in its file system from the start,
// as in that of the preflight's test, which so is built once.
const vm = { name: "clock", lab: lab().name, progress: () => undefined };
let server: MachineStatus;

beforeAll(async () => {
  await downVm(vm); // of a run that was killed, in a lab that is kept
  const packages = ["chrony", "unattended-upgrades", "wireguard-tools"];
  server = await upVm({ ...vm, cores: 2, memoryMiB: 4096, diskGB: 10, last: 22, packages });
}, 600_000);
afterAll(() => downVm(vm));

const path = "/etc/chrony/chrony.conf";
const content = chronyText([lab().services.ntp.addresses.v4]);
const reads = { [path]: createHash("sha256").update(content).digest("hex") };

/** What the program makes of time synchronisation, and the look that comes first. */
const resources: Declared[] = [
  { name: "facts", type: "Facts", args: {} },
  { name: "servers", type: "File", args: { path, content, adopt: true }, after: ["facts"] },
  {
    name: "time",
    type: "SystemdUnit",
    args: { name: "chrony.service", enabled: true, running: true, reads },
    after: ["servers"],
  },
];

fault(
  "machine/clock-a-year-ahead",
  {
    done: "The clock of a virtual machine is a year ahead when time synchronisation is set up",
    holds:
      "The run says that the clock is wrong, converges, and chrony sets it right; the next run has nothing to do or to say",
    timeout: 600_000,
  },
  async (report) => {
    await on("systemctl stop chrony; date --set='365 days' >/dev/null");
    expect(Math.round((await aheadOf()) / 86_400)).toBe(365);
    await using stack = await stackOn(server);
    const first = await stack.up(resources);
    expect([first.code, first.errors]).toEqual([0, []]);
    expect(first.warnings).toEqual([expect.stringMatching(/^The server's clock is 365 days ahead\. /)]);
    await expect.poll(async () => Math.abs(await aheadOf()), { timeout: 60_000 }).toBeLessThan(2);
    const second = await stack.up(resources);
    expect([second.code, second.errors, second.warnings, second.changes]).toEqual([0, [], [], {}]);
    report.seen(`"${firstSentence(first.warnings)}"; afterwards it was right, and the next update had nothing to do`);
  },
);

fault(
  "machine/clock-a-year-behind",
  {
    done: "Somebody sets the clock a year back while chrony runs, which by our configuration sets it only when it starts",
    holds:
      "The run says that the clock is wrong and what to do, changes nothing and takes no longer; that done, the clock is right",
    timeout: 600_000,
  },
  async (report) => {
    await using stack = await stackOn(server);
    expect((await stack.up(resources)).errors).toEqual([]);
    await on("date --set='365 days ago' >/dev/null");
    const wrong = await stack.up(resources);
    expect([wrong.code, wrong.errors, wrong.changes]).toEqual([0, [], {}]);
    expect(wrong.warnings).toEqual([
      expect.stringMatching(/^The server's clock is 365 days behind\. .*restart chrony/),
    ]);
    report.seen(`"${firstSentence(wrong.warnings)}", with what to do, after ${seconds(wrong.took)}`);
    await on("systemctl restart chrony");
    await expect.poll(async () => Math.abs(await aheadOf()), { timeout: 60_000 }).toBeLessThan(2);
    const healed = await stack.up(resources);
    expect([healed.code, healed.errors, healed.warnings]).toEqual([0, [], []]);
    report.seen("After `systemctl restart chrony` the clock was right, and nothing was said any more");
  },
);

fault(
  "machine/clock-back-in-a-tunnel",
  {
    done: "The clock of a virtual machine with a tunnel to a hub is set a year back, and the tunnel is started anew, as after a reboot",
    holds:
      "The hub takes no handshake that is older than the last, and the run says both: that the clock is wrong, and that the tunnel is down; with the right clock it comes back",
    timeout: 600_000,
  },
  async (report) => {
    await using hub = await tunnelHub();
    await using stack = await stackOn(server);
    const tunnel: Declared = {
      name: "tunnel",
      type: "WireGuard",
      args: {
        name: "wg-clock",
        addresses: ["198.19.97.2/32"],
        peers: [{ publicKey: hub.key, endpoint: hub.endpoint, allowedIps: ["198.19.97.0/24"], keepalive: 1 }],
      },
      after: ["facts"],
    };
    const both = [{ name: "facts", type: "Facts", args: {} }, tunnel];
    expect((await stack.up(both)).errors).toEqual([]);
    await hub.learn(await on("wg show wg-clock public-key"));
    const handshake = () => on("wg show wg-clock latest-handshakes | cut -f 2");
    await expect.poll(async () => Number(await handshake()), { timeout: 30_000, interval: 1000 }).toBeGreaterThan(0);
    await on(
      "systemctl stop chrony; date --set='365 days ago' >/dev/null; systemctl restart wg-quick@wg-clock; sleep 12",
    );
    expect(await handshake()).toBe("0");
    const wrong = await stack.up(both);
    expect([wrong.code, wrong.errors]).toEqual([0, []]);
    expect(wrong.warnings).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^The server's clock is 365 days behind\. /),
        expect.stringMatching(/^wg-clock: the tunnel to .* is down/),
      ]),
    );
    report.seen(`No handshake in 12 s; the run said that the clock is 365 days behind and that the tunnel is down`);
    await on("date --set='365 days' >/dev/null; systemctl start chrony");
    expect(Math.abs(await aheadOf())).toBeLessThan(5);
    const right = Date.now();
    await expect.poll(async () => Number(await handshake()), { timeout: 60_000, interval: 1000 }).toBeGreaterThan(0);
    report.seen(`with the right clock it was up again within ${Math.ceil((Date.now() - right) / 1000)} s`);
    expect(await stack.destroy()).toMatchObject({ code: 0 });
  },
);

/** The other end of a tunnel, on a server of the lab, by WireGuard's own tools. */
async function tunnelHub() {
  const dev = machine("dev");
  const inside = (script: string) => within(dev, script);
  const key = await inside(
    `exec 3>&1 >/dev/null 2>&1; apt-get update; apt-get install -y --no-install-recommends wireguard-tools wireguard-go; umask 077
     printf "[Interface]\\nAddress = 198.19.97.1/24\\nListenPort = 51897\\nPrivateKey = $(wg genkey)\\n" >/etc/wireguard/wg-clock.conf
     wg-quick up wg-clock; wg show wg-clock public-key >&3`,
  );
  return {
    key,
    endpoint: `${dev.addresses.v4}:51897`,
    learn: (peer: string) => inside(`wg set wg-clock peer ${peer} allowed-ips 198.19.97.2/32`),
    [Symbol.asyncDispose]: async () => {
      await inside("wg-quick down wg-clock; apt-get purge -y wireguard-tools wireguard-go; rm -rf /etc/wireguard");
    },
  };
}

function firstSentence([warning = ""]: readonly string[]): string {
  return warning.split(". ")[0] ?? "";
}

/** Runs a shell script on the virtual machine as root; its standard output. */
async function on(script: string): Promise<string> {
  const words = await shellWords(await statusLab(lab().name), vm.name, "deploy", ["sudo", "sh", "-e"]);
  return (await run(words, { input: script })).trimEnd();
}

/** Seconds that the clock is ahead of this machine's; none as long as it is between the question and the answer. */
async function aheadOf(): Promise<number> {
  const asked = Date.now();
  const there = Number(await on("date +%s%3N"));
  return (there - Math.min(Math.max(there, asked), Date.now())) / 1000;
}
