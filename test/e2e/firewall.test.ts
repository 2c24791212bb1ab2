import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type FirewallArgs, firewallRules } from "../../infra/components/firewall.ts";
import type { SshHost } from "../../infra/provider/host/ssh-host.ts";
import { firewall } from "../../infra/provider/resources/firewall.ts";
import { rulesOf } from "../../infra/provider/resources/firewall-rules.ts";
import { tcpConnect } from "../../lab/probe.ts";
import type { Addresses, ServerName } from "../../lab/status.ts";
import { IdleConnections } from "./idle-connections.ts";
import { OwnLab } from "./own-lab.ts";
import { reach, reachOf } from "./reach.ts";
import { Managed } from "./resources/lifecycle.ts";

vi.setConfig({ testTimeout: 300_000 });

const closed = { open: [], refused: [] };
/** What NET-1 and Q-SRV-5 ask for, on a server where nothing but sshd listens: an open port without a program refuses. */
const asRequired = reach({
  management: { open: [22], refused: [] },
  internal: { open: [], refused: [80, 443] },
  stranger: closed,
});
const both = ({ v4, v6 }: Addresses) => [v4, v6];

let lab: OwnLab;
let settings: FirewallArgs;
let host: SshHost;
let managed: Managed<Parameters<typeof firewall.plan>[0], NonNullable<Parameters<typeof firewall.plan>[1]>, object>;

beforeAll(async () => {
  lab = await OwnLab.up();
  const { segments, services, controller } = lab.status;
  settings = {
    management: both(segments.management),
    internal: both(segments.internal),
    // This machine plays the master in the tests of idle connections.
    saltMaster: [...both(services.master.addresses), ...both(controller.addresses)],
    additionalEgress: {
      dns: { protocol: "udp", ports: [53], to: both(services.dns.addresses) },
      packages: { protocol: "tcp", ports: [...services.aptProxy.ports], to: both(services.aptProxy.addresses) },
    },
  };
  host = await lab.host("dev");
  managed = new Managed(firewall, host);
});

afterAll(async () => {
  await host?.close();
  await lab?.down();
});

describe("connections that are idle when the rules come", () => {
  let idle: IdleConnections;
  afterEach(() => idle.close());

  async function open(server: ServerName): Promise<void> {
    expect(await lab.within(server, "nft list ruleset; cat /proc/sys/net/netfilter/nf_conntrack_count")).toBe("0");
    idle = await IdleConnections.open(lab, server);
  }

  test("are cut by the rules alone", async () => {
    await open("prod");
    const rules = rulesOf("onprem", { ping: [], trustedBridges: [], logDropped: false, ...firewallRules(settings) });
    await lab.within("prod", `nft -f - <<'end'\n${rules}end`);
    expect(await idle.speak()).toEqual({
      "SSH session over v4, server speaks first": false,
      "SSH session over v6, server speaks first": false,
      "connection to the master over v4, master speaks first": false,
      "connection to the master over v6, master speaks first": false,
    });
  });

  test("live on through the first load", async () => {
    await open("dev");
    await managed.apply(firewallRules(settings));
    expect(await idle.speak()).toEqual({
      "SSH session over v4, server speaks first": true,
      "SSH session over v6, server speaks first": true,
      "connection to the master over v4, master speaks first": true,
      "connection to the master over v6, master speaks first": true,
    });
  });
});

describe("a firewalled server", () => {
  test("NET-1, Q-SRV-5, Q-SRV-8: every TCP port answers as it should from each vantage point", async () => {
    expect(await reachOf(lab.status, "dev", [22, 80, 443])).toEqual(asRequired);
  });

  test("NET-2, Q-SRV-3, Q-SRV-6, Q-SRV-8: it reaches what is named, and nothing else", async () => {
    const { services, controller, machines } = lab.status;
    const ssh = machines.filter(({ name }) => name !== "dev").map(({ addresses }) => addresses);
    const tries = (addresses: Addresses, port: number) => both(addresses).map((address) => `${address} ${port}`);
    const allowed = [
      ...services.master.ports.flatMap((port) => tries(services.master.addresses, port)),
      ...services.aptProxy.ports.map((port) => `${services.aptProxy.addresses.v4} ${port}`),
      "127.0.0.1 22",
      "::1 22",
      ...tries(lab.machine("dev").addresses, 22),
    ];
    const blocked = [
      ...ssh.flatMap((addresses) => tries(addresses, 22)),
      ...tries(services.dns.addresses, 53),
      ...tries(controller.addresses, 22),
      ...tries({ v4: "192.0.2.1", v6: "2001:db8::1" }, 443),
    ];
    const connecting = (words: string) => `nc -z -w 2 ${words} 2>/dev/null && echo yes || echo no`;
    const answers = await lab.within("dev", [...allowed, ...blocked].map(connecting).join("\n"));
    expect(answers.split("\n")).toEqual([...allowed.map(() => "yes"), ...blocked.map(() => "no")]);
  });

  test("it says at once that it may not, where a silent drop would take minutes", async () => {
    const { v4, v6 } = lab.machine("vendor").addresses;
    const start = Date.now();
    await lab.within("dev", `for address in ${v4} ${v6}; do ! nc -z -w 60 $address 22; done`);
    expect(Date.now() - start).toBeLessThan(10_000);
  });

  test("datagrams go to the name server and nowhere else", async () => {
    const { v4, v6 } = lab.status.services.dns.addresses;
    for (const address of [v4, v6]) {
      expect(await lab.within("dev", `dig +short +time=2 +tries=1 @${address} vendor.lab.test A`)).toBe(
        lab.machine("vendor").addresses.v4,
      );
      await expect(lab.within("dev", `bash -c 'echo x > /dev/udp/${address}/123'`)).rejects.toThrow(
        "Operation not permitted",
      );
    }
  });

  test("nothing leaks while the rules are loaded again and again under a stream of packets", async () => {
    // Counts in a table apart, before our rules and after them.
    const counting = (what: string) =>
      ["tcp", "udp"].map((protocol) => `${protocol} dport 9999 counter comment "${what}"\n`).join("");
    await lab.within(
      "dev",
      `nft 'table inet counting {
        chain before { type filter hook prerouting priority -150; ${counting("sent")} }
        chain after { type filter hook input priority 10; ${counting("leaked")} }
      }'`,
    );
    const { netns } = lab.status.vantagePoints.find(({ name }) => name === "stranger") as { netns: string };
    const streams = both(lab.machine("dev").addresses).map((address) =>
      spawn(
        "nsenter",
        [`--net=${netns}`, process.execPath, join(import.meta.dirname, "packet-stream.ts"), address, "9999"],
        {
          stdio: ["pipe", "ignore", "inherit"],
        },
      ),
    );
    try {
      await sleep(1_000);
      await lab.within("dev", "for load in $(seq 200); do nft -f /etc/onprem/firewall.nft; done");
      // And as the resource loads them: something else, and back.
      const rules = firewallRules(settings);
      for (const given of [{ ...rules, ping: ["192.0.2.0/24"] }, { ...rules, outbound: {} }, rules]) {
        await managed.apply(given);
      }
    } finally {
      for (const stream of streams) stream.stdin.end();
      await Promise.all(streams.map((stream) => once(stream, "exit")));
    }
    const counted = await lab.within("dev", "nft list table inet counting; nft delete table inet counting");
    const packets = (what: string) =>
      [
        ...counted.matchAll(
          new RegExp(`(tcp|udp) dport 9999 counter packets (\\d+) bytes \\d+ comment "${what}"`, "g"),
        ),
      ].map(([, protocol, count]) => [protocol, Number(count)] as const);
    for (const [protocol, count] of packets("sent")) expect(count, `${protocol} sent`).toBeGreaterThan(500);
    expect(packets("leaked")).toEqual([
      ["tcp", 0],
      ["udp", 0],
    ]);
  });

  test("the rules stand before there is a network, and hold after a reboot", async () => {
    await host.close();
    await lab.reboot("dev");
    expect(await reachOf(lab.status, "dev", [22, 80, 443])).toEqual(asRequired);
    const order = "systemctl show --property=ActiveEnterTimestampMonotonic --value onprem-firewall systemd-networkd";
    const [rules = 0, network = 0] = (await lab.within("dev", order)).split(/\n+/).map(Number);
    expect(rules).toBeGreaterThan(0);
    expect(network).toBeGreaterThan(rules);
    host = await lab.host("dev");
    managed = new Managed(firewall, host);
    expect(await managed.apply(firewallRules(settings))).toEqual([]);
  });

  test("is open again once the firewall is removed", async () => {
    await managed.destroy();
    expect(await lab.within("dev", "nft list ruleset; ls -d /etc/onprem 2>/dev/null || true")).toBe("");
    for (const { netns } of lab.status.vantagePoints) {
      for (const address of both(lab.machine("dev").addresses)) {
        expect(Object.fromEntries(await tcpConnect(netns, address, [22, 80, 9999]))).toEqual({
          22: "open",
          80: "refused",
          9999: "refused",
        });
      }
    }
  });
});
